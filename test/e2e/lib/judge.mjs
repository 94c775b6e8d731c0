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
// Axe looks once at each kind of element in each kind of place, whatever the
// words: what it judges follows from elements, attributes and styles, and it
// takes most of the time. known holds what was judged so far, in all journeys.
export async function judge(page, lang, known) {
  axe ??= await readFile(axeFile, 'utf8')
  const problems = await page.evaluate(basics, lang)
  const fresh = unknown(await page.evaluate(kinds, judged), known)
  for (const width of widths) {
    await page.resize(width, 900)
    const wide = await page.evaluate(sideways)
    if (wide.length) problems.push(`at ${width} px: wider than the window: ${wide.join(', ')}`)
    if (fresh.length === 0) continue
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe)
    for (const found of await page.evaluate(violations, [judged, tags, fresh])) problems.push(`at ${width} px: ${found}`)
  }
  await page.resize(1280, 900)
  return problems
}

// unknown gives the places, among all elements of the page, of the kinds that
// were not known, and makes them known. A kind is an element and all around it.
function unknown(elements, known) {
  const fresh = [], kind = []
  elements.forEach(([parent, own], i) => {
    kind[i] = createHash('sha256').update(`${kind[parent] ?? ''}${own}`).digest('hex')
    if (known.has(kind[i])) return
    known.add(kind[i])
    fresh.push(i)
  })
  return fresh
}

// judged picks what axe has something to say of: the page and what it shows.
const judged = 'html, body, body :not(script, svg *, [type=hidden])'

// kinds writes each element without its words, and which other it stands in.
// Attributes that pick its look or its role stand whole; of the others only that
// they are there. What gives an element its name may stand elsewhere on the page,
// so it is told whether it is there.
function kinds(judged) {
  const whole = /^(class|type|role|hidden|open|disabled|readonly|checked|tabindex|autocomplete|scope|aria-(?!label$|labelledby$|describedby$|controls$).*)$/
  const part = ({ name, value }) => `${name}=${whole.test(name) ? value : value.trim() && 'x'}`
  const says = el => [...el.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())
  const leads = (el, by) => (el.getAttribute(by) ?? '').split(/\s+/).filter(id => id && document.getElementById(id)?.textContent.trim()).length
  const all = [...document.querySelectorAll(judged)], places = new Map(all.map((el, i) => [el, i]))
  return all.map(el => [places.get(el.parentElement) ?? -1, [el.tagName, ...[...el.attributes].map(part).sort(), says(el), el.textContent.trim() !== '',
    [...el.labels ?? []].filter(label => label.textContent.trim()).length, !!el.control, leads(el, 'aria-labelledby'), leads(el, 'aria-describedby')].join(' ')])
}

// violations says what axe finds; it runs in the page, and gives back lines of
// text: to carry axe's whole report out takes nearly as long as to make it.
async function violations([judged, values, places]) {
  const all = document.querySelectorAll(judged), fresh = places.map(i => all[i])
  const tops = fresh.filter(el => !fresh.some(other => other !== el && other.contains(el)))
  const report = await window.axe.run({ include: tops }, { runOnly: { type: 'tag', values }, resultTypes: ['violations'] })
  return report.violations.flatMap(v => v.nodes.map(node =>
    `${v.id}: ${v.help}: ${node.target.join(' ')}: ${node.any.concat(node.all, node.none).map(c => c.message).join('; ')}`))
}

function basics(lang) {
  const problems = []
  const headings = [...document.querySelectorAll('h1')].filter(h => h.getClientRects().length > 0).length
  if (headings !== 1) problems.push(`${headings} visible h1, not one`)
  if (!document.documentElement.lang.startsWith(lang)) problems.push(`lang is "${document.documentElement.lang}", the reader asked for ${lang}`)
  if (!document.title.trim()) problems.push('no title')
  const ids = [...document.querySelectorAll('[id]')].map(el => el.id)
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) problems.push(`two elements have the id "${id}"`)
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
