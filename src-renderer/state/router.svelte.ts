/**
 * @file Where the person is; follows the browser's address and its Back button.
 */
import { fromHash, type Route, toHash } from './route.ts';

export class Router {
  route = $state.raw<Route>(fromHash(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.route = fromHash(location.hash)));
  }

  go(route: Route): void {
    location.hash = toHash(route);
  }

  /** As `go`, but Back does not come here. */
  replace(route: Route): void {
    history.replaceState(null, '', toHash(route));
    this.route = route;
  }
}
