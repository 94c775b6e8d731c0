// What every page must hold, whichever it is.

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const axeFile = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
export const widths = [320, 1280]

let axe // read once

// judge gives the problems of the page as it stands, at every width: what axe
// does not look at (one h1, the language, a title, nothing that must be scrolled
// sideways), and axe's violations.
//
// Axe looks once at each shape of a page, whatever its words: what it judges
// follows from elements, attributes and styles, and it takes most of the time.
export async function judge(page, lang, shapes) {
  axe ??= await readFile(axeFile, 'utf8')
  const problems = await page.evaluate(basics, lang)
  const form = createHash('sha256').update(await page.evaluate(shape)).digest('hex')
  const known = shapes.has(form)
  shapes.add(form)
  for (const width of widths) {
    await page.resize(width, 900)
    const wide = await page.evaluate(sideways)
    if (wide.length) problems.push(`at ${width} px: wider than the window: ${wide.join(', ')}`)
    if (known) continue
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe)
    for (const found of await page.evaluate(violations, tags)) problems.push(`at ${width} px: ${found}`)
  }
  await page.resize(1280, 900)
  return problems
}

// shape writes the page without its words: every element with its attributes,
// and whether it says anything. Values that name something on the page or pick
// its look stand whole, but for numbers; of the others only that they are there.
function shape() {
  const whole = /^(id|class|for|name|type|role|hidden|open|disabled|checked|tabindex|headers|scope|aria-(?!label$).*)$/
  const part = el => [...el.attributes].map(({ name, value }) => `${name}=${whole.test(name) ? value.replace(/[0-9]+/g, '0') : value.trim() && 'x'}`)
  const says = el => [...el.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
  return [...document.querySelectorAll('*')].map(el => `${el.tagName} ${part(el).sort().join(' ')} ${says(el)} ${el.children.length}`).join('\n')
}

// violations says what axe finds; it runs in the page, and gives back lines of
// text: to carry axe's whole report out takes nearly as long as to make it.
async function violations(values) {
  const report = await window.axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] })
  return report.violations.flatMap(v => v.nodes.map(node =>
    `${v.id}: ${v.help}: ${node.target.join(' ')}: ${node.any.concat(node.all, node.none).map(c => c.message).join('; ')}`))
}

function basics(lang) {
  const problems = []
  const headings = [...document.querySelectorAll('h1')].filter(h => h.getClientRects().length > 0).length
  if (headings !== 1) problems.push(`${headings} visible h1, not one`)
  if (!document.documentElement.lang.startsWith(lang)) problems.push(`lang is "${document.documentElement.lang}", the reader asked for ${lang}`)
  if (!document.title.trim()) problems.push('no title')
  for (const el of document.querySelectorAll('[aria-invalid=""], [aria-expanded=""], [aria-checked=""], [aria-current=""]')) {
    problems.push(`an ARIA state without a value, which reads as false: <${el.tagName.toLowerCase()} id="${el.id}">`)
  }
  return problems
}

// sideways names what sticks out of the window (WCAG 2.2, 1.4.10); a table may
// scroll in a box of its own.
function sideways() {
  const root = document.documentElement
  if (root.scrollWidth <= root.clientWidth) return []
  const out = [...document.body.querySelectorAll('*')].filter(el => el.getBoundingClientRect().right > root.clientWidth + 1)
  return out.slice(0, 5).map(el => `<${el.tagName.toLowerCase()} class="${el.className}">`).concat(out.length ? [] : [`${root.scrollWidth} px`])
}
