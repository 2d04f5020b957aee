// Holds AsyncAPI documents against the reference parser:
//   npm ci --ignore-scripts --prefix scripts/asyncapi
//   node scripts/asyncapi-parse.mjs mesh-asyncapi/golden/*.yaml
// ASYNCAPI_PARSER names another folder that the parser is installed in.
// Prints what the parser says, and ends with 1 when it says one error, with 2 when it could not be asked.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error('which documents? node scripts/asyncapi-parse.mjs FILE...');
  process.exit(2);
}

const { Parser } = (() => {
  try {
    const folder = process.env.ASYNCAPI_PARSER;
    const place = folder ? join(folder, 'package.json') : new URL('./asyncapi/package.json', import.meta.url);
    return createRequire(place)('@asyncapi/parser');
  } catch {
    console.error('the parser is not installed: npm ci --ignore-scripts --prefix scripts/asyncapi, or name its folder in ASYNCAPI_PARSER');
    process.exit(2);
  }
})();

const SEVERITIES = ['error', 'warning', 'information', 'hint'];
// Nothing outside a document is looked at: a document that needs it is not finished.
const resolver = (schema) => ({ schema, order: 1, read: (uri) => { throw new Error(`${uri} is outside of the document`); } });
const parser = new Parser({ __unstable: { resolver: { cache: false, resolvers: ['http', 'https', 'file'].map(resolver) } } });
let errors = 0;
for (const file of files) {
  const { document, diagnostics } = await parser.parse(await readFile(file, 'utf8'), { source: file });
  for (const { severity, range, message, code, path } of diagnostics) {
    const place = `${file}:${range.start.line + 1}:${range.start.character + 1}`;
    console.log(`${place}: ${SEVERITIES[severity]}: ${message} (${code}, at ${path.join('.') || 'the document'})`);
  }
  const own = diagnostics.filter(({ severity }) => severity === 0).length + (document ? 0 : 1);
  console.log(`${file}: ${own === 0 ? 'valid' : 'not valid'}`);
  errors += own;
}
process.exit(errors === 0 ? 0 : 1);
