// Makes the files in mesh-asyncapi/official from the npm package @asyncapi/specs:
//   npm pack @asyncapi/specs@6.11.1 && tar xzf asyncapi-specs-6.11.1.tgz
//   node scripts/asyncapi-official.mjs package mesh-asyncapi/official
// What only people read (descriptions, titles, examples) is left out: it is four fifths of the text.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [from, to] = process.argv.slice(2);
const VERSIONS = ['3.0.0', '3.1.0'];
const FOR_PEOPLE = new Set(['description', 'examples', 'title', '$comment', 'markdownDescription']);
// Below these a key is a name, not a keyword.
const NAMES = new Set(['properties', 'patternProperties', 'definitions', 'dependencies']);
// These hold values, not schemas.
const VALUES = new Set(['enum', 'const', 'default']);

function strip(value, isNames) {
  if (Array.isArray(value)) return value.map((item) => strip(item, false));
  if (!value || typeof value !== 'object') return value;
  const kept = Object.entries(value).filter(([key]) => isNames || !FOR_PEOPLE.has(key));
  return Object.fromEntries(
    kept.map(([key, inner]) => [key, !isNames && VALUES.has(key) ? inner : strip(inner, !isNames && NAMES.has(key))]),
  );
}

for (const version of VERSIONS) {
  const schema = JSON.parse(readFileSync(join(from, 'schemas', `${version}-without-$id.json`), 'utf8'));
  writeFileSync(join(to, `asyncapi-${version}.json`), `${JSON.stringify(strip(schema, false))}\n`);
}
for (const file of ['LICENSE', 'NOTICE']) copyFileSync(join(from, file), join(to, file));
