// The routes of the pages, from the table of who may call them.

import { readFile } from "node:fs/promises";

const TABLE = new URL("../../crates/http/src/access.rs", import.meta.url);

export const ROLES = ["viewer", "editor", "owner"];

// Returns the pages: each with its pattern, who sees it, and what tells its addresses from others.
export async function pages() {
  const source = await readFile(TABLE, "utf8");
  const rows = source.matchAll(/\("GET", "(\/[^"]*)", (Anybody|Link|KeyOrPerson|Person\((\w+)\)),/g);
  const pages = [...rows].map(([, path, who, role]) => ({ path, role: role?.toLowerCase() ?? null, who, matches: matcher(path) }));
  if (pages.length < 20) throw new Error("the table of routes in crates/http/src/access.rs has another form than is read here");
  return pages;
}

function matcher(path) {
  const parts = path.split(/\{[^}]+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`^${parts.join("[^/]+")}$`);
  return (pathname) => pattern.test(pathname);
}

// Returns the page that an address belongs to: the one with the fewest names.
export function pageOf(pages, pathname) {
  const found = pages.filter((page) => page.matches(pathname));
  const names = (page) => page.path.split("{").length;
  return found.sort((a, b) => names(a) - names(b))[0] ?? null;
}

// Returns a name for files.
export function nameOf(path) {
  return path.replace(/[{}]/g, "").split("/").filter(Boolean).join("-") || "front";
}
