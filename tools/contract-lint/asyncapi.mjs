// Parses the AsyncAPI document that is named, and tells what the parser has to say against it.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/`);
const { Parser } = require("@asyncapi/parser");

const file = process.argv[2];
const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf8"), { source: file });
const WARNING = 1; // what is less severe tells of newer versions of AsyncAPI
const found = diagnostics.filter(({ severity }) => severity <= WARNING);
for (const { path, message, code } of found) console.error(`${code} at ${path.join(".")}: ${message}`);
process.exitCode = document === undefined || found.length > 0 ? 1 : 0;
