/**
 * @file The menu: what every program has, so that copying, zooming and closing work by their usual keys.
 */
import { Menu, type MenuItem } from 'electron';
import { words } from './words.ts';

export function setMenu(): void {
  const roles = (...names: string[]): MenuItem[] =>
    names.map((role) => (role === '-' ? { type: 'separator' } : { role }));
  const menu: MenuItem[] = [
    ...(process.platform === 'darwin' ? roles('appMenu') : roles('fileMenu')),
    {
      label: words.menu.edit,
      submenu: roles('undo', 'redo', '-', 'cut', 'copy', 'paste', 'selectAll'),
    },
    {
      label: words.menu.view,
      submenu: roles('reload', 'toggleDevTools', '-', 'resetZoom', 'zoomIn', 'zoomOut', '-', 'togglefullscreen'),
    },
    { label: words.menu.window, submenu: roles('minimize', 'close') },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(menu));
}
