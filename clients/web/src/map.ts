/** An area's map, as the edge serves it. */

export interface Door {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
  to_area: string;
}

export interface GameMap {
  name: string;
  /** In tiles. */
  width: number;
  height: number;
  tile_px: number;
  /** Row by row; 0 is empty, n is the n-th tile of the tile set. */
  layers: { name: string; tiles: number[] }[];
  tileset: { image: string; columns: number };
  doors: Door[];
}

/** A map with its picture. */
export interface LoadedMap {
  map: GameMap;
  tiles: HTMLImageElement;
}

const loaded = new Map<string, Promise<LoadedMap>>();

/** Loads a map once. */
export function loadMap(url: string): Promise<LoadedMap> {
  let promise = loaded.get(url);
  if (!promise) {
    promise = fetchMap(url);
    promise.catch(() => loaded.delete(url));
    loaded.set(url, promise);
  }
  return promise;
}

async function fetchMap(url: string): Promise<LoadedMap> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The map ${url} cannot be loaded: the server answered ${response.status}.`);
  const map = (await response.json()) as GameMap;
  const tiles = new Image();
  tiles.src = new URL(map.tileset.image, new URL(url, location.href)).href;
  await tiles.decode();
  return { map, tiles };
}
