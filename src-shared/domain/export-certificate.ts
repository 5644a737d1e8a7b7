/**
 * @file The certificate of an export: what lies in the folder, and whether it behaves as the run's own weights do.
 */
import type { PlainError } from './app-error.ts';

/** Read back from the disk after it was written. */
export interface CheckedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One question to both, answered word by word with the likeliest each time. */
export interface ComparedAnswer {
  readonly prompt: string;
  /** Of the run's own weights. */
  readonly original: string;
  /** Of the written files. */
  readonly written: string;
}

/** The run's own weights beside the written files, over the same tokens. */
export interface BehaviourCheck {
  readonly answers: readonly ComparedAnswer[];
  /** Places at which the scores were compared: tokens, of classifiers texts. */
  readonly positions: number;
  /** Share of them, 0 to 1, at which both hold the same for the likeliest. */
  readonly same_choice: number;
  /** Of all scores (logits); null where one of them is no number. */
  readonly largest_difference: number | null;
  /** Standard deviation of the original's scores, by which a difference is judged. */
  readonly score_spread: number;
}

export interface ExportCertificate {
  /** Milliseconds since 1970. */
  readonly checked_at: number;
  readonly files: readonly CheckedFile[];
  /** null where the answers could not be compared: `unchecked` says why. */
  readonly behaviour: BehaviourCheck | null;
  readonly unchecked: PlainError | null;
}

/** same: nothing that a person sees differs. close: what rounding or fewer bits may do. different: it is not what was trained. */
export type ExportVerdict = 'same' | 'close' | 'different' | 'unchecked';

/** Of the choices, as many must be the same for what fewer bits may change. */
const CLOSE_SHARE = 0.8;

export function judgeExport({ behaviour }: ExportCertificate): ExportVerdict {
  if (behaviour === null) return 'unchecked';
  const { answers, same_choice: share, largest_difference: largest } = behaviour;
  if (largest === null) return 'different';
  if (share === 1 && answers.every(({ original, written }) => original === written)) return 'same';
  return share >= CLOSE_SHARE ? 'close' : 'different';
}
