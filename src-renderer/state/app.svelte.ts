/**
 * @file What every screen may ask: core, the person's place, the engine, what is at work. One object a window, given down as a context.
 */
import { createContext } from 'svelte';
import type { Client, ClientStatus } from '../../src-shared/contract/client.ts';
import type { Hello } from '../../src-shared/contract/messages.ts';
import type { Connection } from '../api/connection.ts';
import { Activity } from './activity.svelte.ts';
import { Downloads } from './downloads.svelte.ts';
import { Engine } from './engine.svelte.ts';
import { Messages } from './messages.svelte.ts';
import { Preferences } from './preferences.svelte.ts';
import { Router } from './router.svelte.ts';
import { SeenHistory } from './run-list.svelte.ts';
import { Tour } from './tour.svelte.ts';

export class App {
  readonly client: Client;
  readonly connection: Connection;
  readonly router = new Router();
  readonly messages = new Messages();
  readonly engine: Engine;
  readonly activity: Activity;
  readonly downloads: Downloads;
  readonly history: SeenHistory;
  readonly preferences: Preferences;
  readonly tour: Tour;
  status = $state<ClientStatus>('connecting');
  hello = $state.raw<Hello | null>(null);

  constructor(connection: Connection) {
    this.connection = connection;
    this.client = connection.client;
    this.engine = new Engine(this.client);
    this.activity = new Activity(this.client);
    this.downloads = new Downloads(this.client);
    this.history = new SeenHistory(this.client);
    this.preferences = new Preferences(this.client);
    this.tour = new Tour(this.preferences);
    this.status = this.client.status();
    this.client.onStatus((status) => (this.status = status));
    this.client.onRestart(() => void this.#readAll());
  }

  /** @returns when the first screen may be drawn */
  async start(): Promise<void> {
    this.hello = await this.client.ready;
    await this.#readAll();
    this.engine.watch();
    this.downloads.watch();
  }

  get isDesktop(): boolean {
    return this.hello?.host === 'desktop';
  }

  async #readAll(): Promise<void> {
    await this.messages.attempt(() => Promise.all([this.preferences.refresh(), this.activity.refresh()]));
  }
}

export const [getApp, setApp] = createContext<App>();
