// A look at a page that is open: accessibility, width, and how it looks to whoever looks at the screenshots.

import { readFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

const AXE = await readFile(path.join(process.env.KEEPSTEP_PACKAGES, "axe-core/axe.min.js"), "utf8");
const SCREENSHOTS = process.env.KEEPSTEP_SCREENSHOTS;

// WCAG 2.2, A and AA, and what axe's authors recommend beside it.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const WIDTHS = [1280, 2560, 360];
const THEMES = ["light", "dark"];

// How far below what stands before it a section begins, in pixels, so that its heading belongs to it.
const LEAST_GAP = 8;

// The pages that README shows.
const ON_TOP = ["demo-front", "demo-trends"];

// The names of the pages that were looked at.
const seen = [];

// Looks at a page. Returns what is wrong, each as one text with the page, the rule and the element.
export async function look(person, name) {
  const { page } = person;
  const where = new URL(page.url()).pathname;
  const problems = [];
  await page.evaluate(AXE);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await screenshot(page, `${name}-${width}-${theme}`);
      // Colors are the same at every width, and the rest is the same in every color.
      const rules = theme === "light" ? (width === 2560 ? null : RULES) : width === 1280 ? "color-contrast" : null;
      if (rules) problems.push(...(await accessible(page, rules)).map((what) => `${where} (${theme}, ${width} px): ${what}`));
    }
    const shape = [...(await tooWide(page, width)), ...(await cramped(page))];
    problems.push(...shape.map((what) => `${where} (${width} px): ${what}`));
  }
  // Between a phone and a desk.
  await page.setViewportSize({ width: 768, height: 1024 });
  problems.push(...(await tooWide(page, 768)).map((what) => `${where} (768 px): ${what}`));
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
  // As much of it as a window shows, for README.
  if (ON_TOP.includes(name)) await page.screenshot({ path: path.join(SCREENSHOTS, `${name}-top.png`) });
  seen.push(name);
  return problems;
}

async function screenshot(page, name) {
  await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

async function accessible(page, rules) {
  const only = rules === "color-contrast" ? { type: "rule", values: [rules] } : { type: "tag", values: rules };
  const violations = await page.evaluate(async (runOnly) => {
    const result = await window.axe.run(document, { runOnly, resultTypes: ["violations"] });
    return result.violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.map((node) => `${node.target.join(" ")}: ${node.html.slice(0, 200)}\n      ${node.failureSummary}`),
    }));
  }, only);
  return violations.flatMap(({ id, help, nodes }) => nodes.slice(0, 5).map((node) => `axe ${id} (${help})\n      ${node}`));
}

// Returns the elements that make a page wider than its window.
async function tooWide(page, width) {
  return page.evaluate((width) => {
    if (document.documentElement.scrollWidth <= width) return [];
    const found = [];
    for (const element of document.body.querySelectorAll("*")) {
      const box = element.getBoundingClientRect();
      if (box.right > width + 0.5 && box.width > 0) {
        const name = element.tagName.toLowerCase() + [...element.classList].map((name) => `.${name}`).join("");
        found.push(`scrolls sideways: ${name} ends at ${Math.round(box.right)} px (${element.textContent.trim().slice(0, 60)})`);
      }
    }
    return found.slice(-3);
  }, width);
}

// Returns the sections that touch what stands before them.
async function cramped(page) {
  return page.evaluate((least) => {
    const isShown = (element) => element.getClientRects().length > 0;
    const found = [];
    for (const section of document.querySelectorAll("main section")) {
      let before = section.previousElementSibling;
      while (before && !isShown(before)) before = before.previousElementSibling;
      if (!before || !isShown(section)) continue;
      const [above, below] = [before.getBoundingClientRect(), section.getBoundingClientRect()];
      const isBeside = below.left >= above.right || below.right <= above.left;
      const gap = Math.round(below.top - above.bottom);
      const title = section.innerText.trim().split("\n")[0];
      if (!isBeside && gap < least) found.push(`the section ${title} begins ${gap} px below what stands before it`);
    }
    return found;
  }, LEAST_GAP);
}

// Writes a page that shows all screenshots beside each other, for whoever looks at them.
export async function contactSheet() {
  await mkdir(SCREENSHOTS, { recursive: true });
  const figure = (name, width, theme) =>
    `<figure><a href="${name}-${width}-${theme}.png"><img loading="lazy" src="${name}-${width}-${theme}.png"></a><figcaption>${width} ${theme}</figcaption></figure>`;
  const row = (name) =>
    `<h2>${name}</h2><div>${THEMES.flatMap((theme) => [360, 1280, 2560].map((width) => figure(name, width, theme))).join("")}</div>`;
  const style = "body{font:14px sans-serif}div{display:flex;gap:8px;align-items:start}figure{margin:0;flex:1}img{max-width:100%;border:1px solid #999}";
  const names = [...new Set(seen)].sort();
  await writeFile(path.join(SCREENSHOTS, "index.html"), `<!doctype html><meta charset="utf-8"><title>Screenshots</title><style>${style}</style>${names.map(row).join("")}`);
}
