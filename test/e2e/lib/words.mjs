// The words of the program and the data of its portals, read from where both are
// kept: a journey names a field by its key, and finds it on the page by its label
// in the reader's language. What the contract fixes (labels of the founding
// documents) stands in the journeys themselves.

import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const top = fileURLToPath(new URL('../../../', import.meta.url))
const read = (...path) => parse(readFileSync(join(top, ...path), 'utf8'))

const folder = join('internal', 'i18n', 'words')
const words = Object.assign({}, ...readdirSync(join(top, folder)).filter(name => name.endsWith('.yaml')).map(name => read(folder, name)))

// say gives a text of the program in both languages. Where a placeholder has no
// value, it is a pattern that fits whatever stands there.
export function say(key, values = {}) {
  const text = words[key]
  if (!text) throw new Error(`there is no word "${key}"`)
  return { pt: fill(text.pt, values), en: fill(text.en, values) }
}

// fill puts values in a text.
export function fill(text, values = {}) {
  const filled = text.replace(/\{([\w.-]+)\}/g, (whole, name) => values[name] ?? whole)
  if (!/\{[\w.-]+\}/.test(filled)) return filled
  return new RegExp(filled.split(/\{[\w.-]+\}/).map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*?'), 'i')
}

// dates are the placeholders of a tour's script as they read today, in Lisbon.
export function dates(now = new Date()) {
  const [year, month, day] = now.toLocaleDateString('sv', { timeZone: 'Europe/Lisbon' }).split('-')
  return { today: `${day}/${month}/${year}`, year, 'last-year': `${year - 1}`, 'next-year': `${Number(year) + 1}` }
}

// both does something to each language of a text.
export const both = (text, change) => ({ pt: change(text.pt), en: change(text.en) })

// portal gives the data of a portal: its definition, its procedures by key, the
// script of its tour, and the addresses of its pages.
export function portal(name) {
  const dir = join('portals', name)
  const list = sub => readdirSync(join(top, dir, sub))
  const procedures = Object.fromEntries(list('procedures').map(file => read(dir, 'procedures', file)).map(p => [p.key, p]))
  const tour = read(dir, 'tour.yaml')
  return {
    name,
    ...read(dir, 'portal.yaml'),
    procedures,
    people: tour.people,
    acts: tour.acts,
    pages: list('pages').filter(file => file.endsWith('.pt.md') && file !== 'inicio.pt.md').map(file => file.replace('.pt.md', '')),
    minutas: list('minutas').filter(file => file.endsWith('.pt.md')).map(file => file.replace('.pt.md', '')),
    // answers are those that the tour gives to a procedure.
    answers: key => Object.fromEntries(Object.entries(tour.acts.find(act => act.do === 'file' && act.procedure === key).answers)
      .map(([field, values]) => [field, values.map(value => fill(value, dates()))])),
    // message is a text that the portal says in its own words, or else the program's.
    message(key, values) {
      const own = read(dir, 'portal.yaml').messages?.[key]
      return own ? both(own, text => fill(text, values)) : say(key, values)
    },
  }
}
