/**
 * @file Just enough of the protocol-buffer wire format to write a TensorFlow SavedModel that holds one GraphDef.
 *
 * Field numbers: tensorflow/core/framework/{node_def,attr_value,tensor,tensor_shape,graph,versions}.proto and
 * tensorflow/core/protobuf/{saved_model,meta_graph}.proto.
 */
import { DTYPE_CODES, type DType } from '../device/dtype.ts';
import type { Attr } from '../device/runner.ts';

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;
/** GraphDef version of TensorFlow 2.21 (older runtimes refuse newer ones). */
const PRODUCER_VERSION = 1395;

/** Grows a message; every `write…` appends one field. */
export class MessageWriter {
  #buffer = Buffer.allocUnsafe(256);
  #length = 0;

  writeVarint(field: number, value: number): this {
    this.#varint(field * 8 + VARINT);
    this.#varint(value);
    return this;
  }

  writeFloat(field: number, value: number): this {
    this.#varint(field * 8 + FIXED32);
    this.#reserve(4);
    this.#buffer.writeFloatLE(value, this.#length);
    this.#length += 4;
    return this;
  }

  writeBytes(field: number, value: Uint8Array | string): this {
    const bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    this.#varint(field * 8 + BYTES);
    this.#varint(bytes.length);
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  writeMessage(field: number, message: MessageWriter): this {
    return this.writeBytes(field, message.finish());
  }

  /** Packed repeated varints. */
  writePacked(field: number, values: readonly number[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#varint(value);
    return this.writeBytes(field, packed.finish());
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #varint(value: number): void {
    this.#reserve(10);
    if (value < 0) {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest > 127n; rest >>= 7n) this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      this.#buffer[this.#length++] = Number(rest);
      return;
    }
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/** A constant's value, little endian. */
export interface TensorValue {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export type NodeAttr =
  | Attr
  | { readonly tensor: TensorValue }
  | { readonly types: readonly DType[] }
  | { readonly strings: readonly string[] }
  | { readonly function: string };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** `node`, `node:1` or `^node` (control). */
  readonly inputs: readonly string[];
  readonly attrs: Readonly<Record<string, NodeAttr>>;
}

/** Part of a graph under a name of its own. */
export interface GraphFunction {
  readonly name: string;
  readonly inputs: readonly { readonly name: string; readonly dtype: DType }[];
  /** `value` is a place inside: `node:output name:index`. */
  readonly outputs: readonly { readonly name: string; readonly dtype: DType; readonly value: string }[];
  readonly nodes: readonly GraphNode[];
}

/** A SavedModel with one graph, the tag `serve`, and neither signatures nor variables. */
export function encodeSavedModel(nodes: readonly GraphNode[], functions: readonly GraphFunction[] = []): Uint8Array {
  const graph = new MessageWriter();
  for (const node of nodes) graph.writeMessage(1, encodeNode(node));
  const library = new MessageWriter();
  for (const definition of functions) library.writeMessage(1, encodeFunction(definition));
  graph.writeMessage(2, library);
  graph.writeMessage(4, new MessageWriter().writeVarint(1, PRODUCER_VERSION));
  const metaGraph = new MessageWriter()
    .writeMessage(1, new MessageWriter().writeBytes(4, 'serve'))
    .writeMessage(2, graph);
  return new MessageWriter().writeVarint(1, 1).writeMessage(2, metaGraph).finish();
}

function encodeFunction({ name, inputs, outputs, nodes }: GraphFunction): MessageWriter {
  const argument = (argumentName: string, dtype: DType): MessageWriter =>
    new MessageWriter().writeBytes(1, argumentName).writeVarint(3, DTYPE_CODES[dtype]);
  const signature = new MessageWriter().writeBytes(1, name);
  for (const input of inputs) signature.writeMessage(2, argument(input.name, input.dtype));
  for (const output of outputs) signature.writeMessage(3, argument(output.name, output.dtype));
  const message = new MessageWriter().writeMessage(1, signature);
  for (const node of nodes) message.writeMessage(3, encodeNode(node));
  for (const output of outputs) {
    message.writeMessage(4, new MessageWriter().writeBytes(1, output.name).writeBytes(2, output.value));
  }
  return message;
}

function encodeNode(node: GraphNode): MessageWriter {
  const message = new MessageWriter().writeBytes(1, node.name).writeBytes(2, node.op);
  for (const input of node.inputs) message.writeBytes(3, input);
  for (const [name, attr] of Object.entries(node.attrs)) {
    message.writeMessage(5, new MessageWriter().writeBytes(1, name).writeMessage(2, encodeAttr(attr)));
  }
  return message;
}

function encodeAttr(attr: NodeAttr): MessageWriter {
  const message = new MessageWriter();
  if (typeof attr === 'number') return message.writeVarint(3, attr);
  if (typeof attr === 'boolean') return message.writeVarint(5, attr ? 1 : 0);
  if ('type' in attr) return message.writeVarint(6, DTYPE_CODES[attr.type]);
  if ('float' in attr) return message.writeFloat(4, attr.float);
  if ('string' in attr) return message.writeBytes(2, attr.string);
  if ('shape' in attr) return message.writeMessage(7, encodeShape(attr.shape));
  if ('tensor' in attr) return message.writeMessage(8, encodeTensor(attr.tensor));
  if ('function' in attr) return message.writeMessage(10, new MessageWriter().writeBytes(1, attr.function));
  if ('types' in attr) {
    const codes = attr.types.map((dtype) => DTYPE_CODES[dtype]);
    return message.writeMessage(1, new MessageWriter().writePacked(6, codes));
  }
  const list = new MessageWriter();
  if (!('strings' in attr)) return message.writeMessage(1, list.writePacked(3, attr));
  for (const text of attr.strings) list.writeBytes(2, text);
  return message.writeMessage(1, list);
}

function encodeTensor({ dtype, shape, bytes }: TensorValue): MessageWriter {
  return new MessageWriter()
    .writeVarint(1, DTYPE_CODES[dtype])
    .writeMessage(2, encodeShape(shape))
    .writeBytes(4, bytes);
}

function encodeShape(shape: readonly number[]): MessageWriter {
  const message = new MessageWriter();
  for (const size of shape) message.writeMessage(2, new MessageWriter().writeVarint(1, size));
  return message;
}
