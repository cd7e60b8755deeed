// swagger-parser on a document: node swagger.mjs DOCUMENT. Packages come from $JUDGES.
import { createRequire } from "node:module";

const require = createRequire(`${process.env.JUDGES}/`);
const SwaggerParser = require("@apidevtools/swagger-parser");
const parser = SwaggerParser.default ?? SwaggerParser;

const document = await parser.validate(process.argv[2]);
const operations = Object.values(document.paths).flatMap((path) => Object.keys(path));
if (operations.length === 0) {
  throw new Error("the document has no operations: there is nothing to check");
}
console.log(`swagger-parser: OpenAPI ${document.openapi}, ${operations.length} operations`);
