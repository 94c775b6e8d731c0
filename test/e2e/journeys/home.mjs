// The front page: what a stranger sees first.

import assert from 'node:assert/strict'

export default async function ({ person, step }) {
  const stranger = await person('stranger')

  await step('the front page opens and has a heading', async () => {
    await stranger.open('/')
    assert.equal(stranger.status, 200)
    assert.notEqual(await stranger.heading(), '')
  })

  await step('the front page leads to every portal', async () => {
    const portals = await stranger.page.evaluate(() => [...document.querySelectorAll('main a[href^="/"]')].map(a => a.getAttribute('href')))
    assert.ok(portals.length >= 2, `only ${portals.join(', ')}`)
    for (const path of portals) {
      await stranger.open(path)
      assert.equal(stranger.status, 200, path)
    }
  })

  await step('an address that does not exist says so', async () => {
    await stranger.open('/nao-existe')
    assert.equal(stranger.status, 404)
    assert.notEqual(await stranger.heading(), '')
  })
}
