// Tables as CSV (RFC 4180), safe in a spreadsheet.

import assert from "node:assert/strict";
import { test } from "node:test";

import { csvOf } from "../src/panel/tables.js";

test("fields are quoted where they must be, and no text is run as a formula", () => {
  const rows = [["=1+1", "x,y", 'q"r', -2.5, "two\nlines", null], ["@a", "+b", "-c", 0, "", true]];
  assert.equal(csvOf([{ name: "a", rows }]), "'=1+1,\"x,y\",\"q\"\"r\",-2.5,\"two\nlines\",\r\n'@a,'+b,-c,0,,true\r\n");
});

test("several tables have names and stand apart", () => {
  assert.equal(csvOf([{ name: "a", rows: [[1]] }, { name: "b", rows: [[2]] }]), "# a\r\n1\r\n\r\n# b\r\n2\r\n");
});
