/**
 * @file The window's entry: theme first, then the connection, then the app.
 */
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import { connect } from './api/connection.ts';
import { App } from './state/app.svelte.ts';
import { applyStoredTheme } from './state/preferences.svelte.ts';
import AppView from './views/App.svelte';
import NoKey from './views/NoKey.svelte';

applyStoredTheme();
const target = document.querySelector('#app');
if (target === null) throw new Error('internal: index.html has no #app');
const connection = connect();
if (connection === null) mount(NoKey, { target });
else {
  const app = new App(connection);
  mount(AppView, { target, props: { app } });
  await app.start();
}
