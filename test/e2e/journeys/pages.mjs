// Every page that anyone may read: those of the portals' own data, in both
// languages by the switch, and those of the instance.

import assert from 'node:assert/strict'
import { portal } from '../lib/words.mjs'

export default async function ({ person, step, server, mode }) {
  const reader = await person('reader')
  const other = mode.lang === 'pt' ? 'en' : 'pt'

  for (const name of ['ecce', 'cases']) {
    const data = portal(name)
    await step(`${name}: every page of its data opens`, async () => {
      for (const page of data.pages) {
        await reader.open(`/${name}/${page}`)
        assert.equal(reader.status, 200, page)
        assert.notEqual(await reader.heading(), '', page)
      }
    })
    await step(`${name}: every link of its home page, menu and footer leads somewhere`, async () => {
      await reader.open(`/${name}/`)
      const links = await reader.page.evaluate(() => [...document.querySelectorAll('a[href]')].map(a => new URL(a.href)).filter(u => u.origin === location.origin).map(u => u.pathname))
      for (const path of new Set(links)) assert.equal((await reader.get(path)).status, 200, path)
    })
    await step(`${name}: the declaration forms`, async () => {
      await reader.open(`/${name}/minutas/`)
      for (const code of data.minutas) {
        await reader.open(`/${name}/minutas/${code}`)
        assert.equal(reader.status, 200, code)
      }
    })
    await step(`${name}: the questions open, and the switch changes the language for good`, async () => {
      await reader.open(`/${name}/perguntas-frequentes`)
      await reader.page.evaluate(() => { for (const d of document.querySelectorAll('main details')) d.open = true })
      await reader.state('open')
      const before = await reader.heading()
      await reader.follow(other.toUpperCase(), { lang: other })
      assert.equal(await reader.page.evaluate(() => document.documentElement.lang.slice(0, 2)), other)
      assert.notEqual(await reader.heading(), before)
      await reader.open(`/${name}/contactos`, { lang: other })
      assert.equal(await reader.page.evaluate(() => document.documentElement.lang.slice(0, 2)), other)
      await reader.follow(mode.lang.toUpperCase())
    })
  }

  await step('the mailbox of the instance shows what was sent, with links that lead there', async () => {
    await reader.open('/cases/novo/acesso')
    const [first] = portal('cases').procedures.acesso.steps
    for (const [key, value] of Object.entries(portal('cases').answers('acesso'))) {
      const field = first.fields.find(f => f.key === key)
      if (field.kind === 'choice') await reader.choose(field.label, field.options[0].label)
      else await reader.fill(field.label, value[0])
    }
    await reader.press({ pt: 'GRAVAR', en: 'SAVE' })
    await reader.comes('/avaliacao', 'sara.exemplo@cooperativa.exemplo.pt')
    const subject = await reader.page.evaluate(() => document.querySelector('main table a').textContent.trim())
    await reader.follow(subject)
    assert.match(reader.at(), /^\/avaliacao\//)
    await reader.follow(/^http/)
    assert.match(reader.at(), /^\/cases\/confirmar\//)
  })

  await step('for machines: health, readiness, authorities as data', async () => {
    for (const path of ['/healthz', '/readyz']) assert.equal((await reader.get(path)).status, 200, path)
    await reader.open('/pki/')
    for (const [path, lang] of [['/pki/politica', 'pt'], ['/pki/politica/en', 'en'], ['/pki/perfis', 'pt']]) await reader.open(path, { lang }) // an address in certificates has one language
    assert.equal((await reader.get('/pki/perfis.json')).status, 200)
    await reader.open('/pki/saude')
    await reader.open('/verificar')
    assert.match((await reader.get('/pki/saude', { accept: 'application/json' })).headers.get('content-type'), /json/)
    assert.equal((await reader.get('/pki/', { accept: 'application/json' })).status, 200)
  })

  if (mode.js) await step('a narrow window has a menu that opens', async () => {
    await reader.open('/cases/')
    await reader.page.resize(320, 900)
    await reader.unfold('Menu')
    await reader.sees({ pt: 'Requisitos técnicos', en: 'Technical requirements' })
    await reader.state('menu open')
    await reader.page.resize(1280, 900)
  })
}
