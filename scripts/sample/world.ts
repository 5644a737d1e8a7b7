/**
 * @file The small world that the sample model knows: people, cities, things, days and numbers. Every value that the sample task asks
 * for comes from here, and the pre-training corpus speaks of the same world.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const NAMES = words(`
  Anna Ben Clara David Emma Felix Grace Hugo Ida Jonas Karen Leo Maria Nora Oscar Paula Rosa Simon Tina Victor
  Alice Bruno Carla Dora Eric Frank Greta Henry Iris Jack Kate Lena Martin Nina Otto Peter Ruth Sara Thomas Vera`);

export const CITIES = words(`
  Oslo Rome Paris London Berlin Vienna Madrid Lisbon Dublin Prague Athens Geneva Zurich Milan Turin Naples Hamburg Munich
  Cologne Krakow Warsaw Riga Tallinn Vilnius Helsinki Stockholm Bergen Copenhagen Ghent Bruges Lyon Basel Porto Seville
  Valencia York Leeds Bristol Oxford Cork`);

export const LOOKS = words('blue red green yellow black white brown grey pink orange small large round wooden');

/** Each takes a plain "s" in the plural. */
export const THINGS = words(`
  kettle lamp chair table clock mirror radio phone keyboard bike helmet backpack fan heater toaster umbrella desk stool bag
  camera printer speaker guitar drum tent bottle basket wallet scooter blender mixer suitcase`);

export const DAYS = words('Monday Tuesday Wednesday Thursday Friday Saturday Sunday');

export const MONTHS = words('January February March April May June July August September October November December');

export const NUMBER_WORDS = words('zero one two three four five six seven eight nine ten eleven twelve');

export const MAX_QUANTITY = 12;

export const FOODS = words('bread soup rice apples cheese fish eggs pasta cake salad beans honey');

export const JOBS = words('teacher baker driver nurse painter farmer doctor cook gardener singer writer plumber');

export const ANIMALS = words('dog cat horse bird rabbit duck goat sheep');

export const PLACES = words('kitchen garden park market school library station harbour bakery museum cafe bridge');

export const WEATHERS = words('sunny rainy windy cold warm cloudy');

/** "a" or "an", by the first letter. */
export function withArticle(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `blue kettle` or `blue kettles`. */
export function inNumber(item: string, count: number): string {
  return count === 1 ? item : `${item}s`;
}
