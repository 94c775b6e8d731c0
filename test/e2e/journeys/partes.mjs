// What is asked in parts: an officer means to leave one purpose of an access
// request out, and the applicant is heard on it. One speaks, and is granted the
// rest with reasons and remedies; another gives the part up, and nothing is refused.

import assert from 'node:assert/strict'
import { file, linkIn, officer, prove } from '../lib/acts.mjs'
import { pdf } from '../lib/papers.mjs'
import { portal, say } from '../lib/words.mjs'

export const modes = ['chromium-pt']

const ecce = portal('ecce')
const { teresa } = ecce.people
const access = ecce.procedures.acesso
const facts = 'Factos de ensaio: a lista de técnicos não indica nenhum sítio da entidade.'

export default async function ({ person, step, server }) {
  const officerOf = await person('teresa')
  const websites = access.steps.flatMap(s => s.fields).find(f => f.key === 'finalidade').options.find(o => o.key === 'sitios_web').label.pt
  const inPart = { pt: `Não deferir: ${websites}` }

  // heard files a request, and brings it to the hearing on one of its parts.
  const heard = async (who, email) => {
    const answers = { ...ecce.answers('acesso'), email: [email] }
    await who.open('/ecce/novo/acesso')
    await file(who, access, answers, { fich_superior: await pdf(`${email}-superior.pdf`), fich_tecnicos_web: await pdf(`${email}-lista.pdf`) })
    const number = /ecce\/\d{4}\/\d+/i.exec(await who.text())[0]
    await prove(who, server, email)
    await officerOf.open('/ecce/tecnico/')
    await officerOf.follow(number)
    await officerOf.unfold(say('web.move.assumir'))
    await officerOf.press(say('web.move.assumir.button'))
    await officerOf.unfold(say('web.move.audiencia-parcial'))
    await officerOf.press(say('web.move.audiencia-parcial.button'))
    assert.equal(officerOf.status, 422, 'a hearing on nothing begins')
    await officerOf.tick(inPart)
    await officerOf.choose({ pt: `Fundamento: ${websites}` }, 'RE04')
    await officerOf.fill({ pt: `Fundamentação: ${websites}` }, facts)
    await officerOf.press(say('web.move.audiencia-parcial.button'))
    await officerOf.sees(say('web.moved.audiencia-parcial'), say('web.verdict.part.intend-refuse'))
    await who.open(await linkIn(server, email, 'acompanhar'))
    await who.press(say('web.follow.button'))
    await who.sees(say('web.give-up'), websites, facts)
    return number
  }

  await step('an officer comes in', () => officer(officerOf, server, ecce, 0, teresa.password))

  await step('one speaks, and is granted the rest: what was left out is told with its reasons', async () => {
    const ana = await person('ana'), email = 'ana@dgex.exemplo.pt'
    const number = await heard(ana, email)
    await ana.fill(say('web.hearing.words'), 'A lista seguirá com o novo sítio, ainda em construção.')
    await ana.press(say('web.hearing.button'))
    await ana.sees(say('web.next.heard'))
    const page = ana.at()
    await officerOf.open('/ecce/tecnico/')
    await officerOf.follow(number)
    await officerOf.sees('ainda em construção')
    await officerOf.unfold(say('web.move.deferir-parte'))
    await officerOf.fill(say('web.weighing'), 'O sítio anunciado não existe ainda; pode ser pedido quando existir.')
    await officerOf.press(say('web.move.deferir-parte.button'))
    await officerOf.sees(say('web.moved.deferir-parte'), say('web.verdict.part.approve'))
    const mail = await server.mail({ to: email, subject: /deferido parcialmente/ })
    assert.match(mail.text, /Factos de ensaio/)
    await ana.open(page)
    await ana.sees(say('web.verdict.part.approve'), websites, facts)
    await linkIn(server, email, 'definir')
  })

  await step('another gives the part up: nothing is refused, and the rest is approved', async () => {
    const bia = await person('bia'), email = 'bia@dgex.exemplo.pt'
    const number = await heard(bia, email)
    await bia.press(say('web.give-up.button'))
    await bia.misses(say('web.give-up.button'))
    await officerOf.open('/ecce/tecnico/')
    await officerOf.follow(number)
    await officerOf.unfold(say('web.move.deferir'))
    await officerOf.press(say('web.move.deferir.button'))
    await officerOf.sees(say('web.moved.deferir'))
    await linkIn(server, email, 'definir')
  })
}
