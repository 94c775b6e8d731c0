package casefile

import (
	"fmt"
	"slices"
	"strings"
	"testing/fstest"

	"chancela/internal/portal"
)

// desk is a whole portal as data: what these tests need of one, and nothing of the real ones.
func desk() fstest.MapFS {
	files := fstest.MapFS{
		"portal.yaml":              {Data: []byte(portalYAML)},
		"mails.yaml":               {Data: []byte(mailsYAML())},
		"procedures/access.yaml":   {Data: []byte(accessYAML)},
		"procedures/order.yaml":    {Data: []byte(orderYAML)},
		"procedures/yearly.yaml":   {Data: []byte(yearlyYAML)},
		"procedures/question.yaml": {Data: []byte(questionYAML)},
		"procedures/several.yaml":  {Data: []byte(severalYAML)},
		"procedures/apart.yaml":    {Data: []byte(strings.NewReplacer("key: question", "key: apart", "approvals: 2,", "approvals: 2, reviewer-apart: true,").Replace(questionYAML))},
		"register.csv":             {Data: []byte("nipc,name,acronym,kind,class,domains\n590000012,Município de Exemplo,ME,Autarquia,eligible,\n590000020,Direção-Geral Suspensa,DGS,Estado,conditional,\n")},
	}
	for _, slug := range portal.NeededPages() {
		files["pages/"+slug+".pt.md"] = &fstest.MapFile{Data: []byte("# Página\n")}
		files["pages/"+slug+".en.md"] = &fstest.MapFile{Data: []byte("# Page\n")}
	}
	return files
}

// mailsYAML has a mail for every event, called by the event's name, with all that it may hold.
func mailsYAML() string {
	var b strings.Builder
	b.WriteString("from: Portal de teste\nopening: {pt: \"Caro {name},\", en: \"Dear {name},\"}\nclosing: {pt: Fim., en: End.}\nmails:\n")
	events := portal.Events()
	names := make([]string, 0, len(events))
	for event := range events {
		names = append(names, string(event))
	}
	slices.Sort(names)
	for _, event := range names {
		var holes []string
		for _, hole := range events[portal.Event(event)] {
			holes = append(holes, "{"+hole+"}")
		}
		fmt.Fprintf(&b, "  %s:\n    on: %s\n    subject: {pt: \"PT %s {number}\", en: \"EN %s {number}\"}\n    text: {pt: \"%s\", en: \"%s\"}\n",
			event, event, event, event, "pt {number} "+strings.Join(holes, " "), "en {number} "+strings.Join(holes, " "))
	}
	return b.String()
}

const portalYAML = `
title: {pt: Portal de teste, en: Test portal}
body: {name: {pt: Entidade de teste, en: Test body}, short: ET}
look: {primary: "#034ad8", dark: "#021c51"}
entry: access
powers:
  - {key: orders, label: {pt: Pedidos, en: Orders}, opens: [order, yearly]}
rules:
  number: "{portal}/{year}/{seq}"
  decide-days: 60
  elements-days: 10
  elements-suspend: true
  hearing-days: 10
  standstill-months: 6
  silence: {pt: O silêncio nada decide., en: Silence decides nothing.}
  remedies: {pt: Pode reclamar., en: You may complain.}
  director: {office: {pt: direção, en: director}, contact: direcao@exemplo.pt}
  decider: {office: {pt: pelo órgão, en: for the organ}, delegation: Despacho 1}
reasons:
  - {code: R1, for: refuse, text: {pt: Falta um requisito, en: A requirement is not met}, law: artigo 1.º}
  - {code: R2, for: refuse, text: {pt: Outro, en: Other}}
  - {code: D1, for: desert, text: {pt: Parado há mais de seis meses, en: At a standstill}}
`

const accessYAML = `
key: access
title: {pt: Acesso, en: Access}
name: {pt: pedido de acesso, en: access request}
for: visitor
submit: {label: {pt: GRAVAR, en: SAVE}}
steps:
  - title: {pt: Pessoa, en: Person}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - {key: phone, label: {pt: Telefone, en: Telephone}, kind: phone, role: telephone, optional: true}
      - {key: civil, label: {pt: Número de identificação, en: Identification number}, kind: civil, role: civil-number, optional: true}
      - {key: lang, label: {pt: Língua, en: Language}, kind: choice, role: language, optional: true, options: [{key: pt-PT, label: {pt: Português, en: Portuguese}}, {key: en, label: {pt: Inglês, en: English}}]}
  - title: {pt: Entidade, en: Body}
    fields:
      - {key: number, label: {pt: NIPC, en: NIPC}, kind: nipc, role: body-number}
      - {key: called, label: {pt: Denominação, en: Name of the body}, kind: text, role: body-name, max: 200}
      - {key: starts, label: {pt: Início, en: Begins}, kind: date, future: true, optional: true}
      - {key: taxes, label: {pt: NIF de quem paga, en: Tax number}, kind: rows, optional: true, columns: [{key: nif, label: {pt: NIF, en: NIF}, kind: nif}]}
      - {key: proof, label: {pt: Declaração, en: Declaration}, kind: file, accepts: [pdf], max-mb: 1, files: 2, optional: true}
ask-later:
  - {key: extra, label: {pt: Outro documento, en: Another document}, kind: file, accepts: [pdf], max-mb: 1, files: 2}
decide: {approvals: 1, roles: [decider], reasons: [R1]}
outcome: {kind: account, with: {powers: [orders]}}
`

const orderYAML = `
key: order
title: {pt: Pedido, en: Order}
name: {pt: pedido, en: order}
for: person
submit: {label: {pt: Submeter, en: Submit}}
steps:
  - title: {pt: Dados, en: Data}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name, from: applicant-name, locked: true}
      - {key: number, label: {pt: NIPC, en: NIPC}, kind: nipc, role: body-number, from: body-number, locked: true}
      - {key: again, label: {pt: NIPC de novo, en: NIPC again}, kind: nipc, role: body-number, optional: true}
      - {key: subject, label: {pt: Endereço do titular, en: Address of the subject}, kind: email, role: address, optional: true}
      - {key: text, label: {pt: Texto, en: Text}, kind: text, max: 100}
decide: {approvals: 2, roles: [decider], reasons: [R1]}
outcome: {kind: made}
`

const yearlyYAML = `
key: yearly
title: {pt: Anual, en: Yearly}
name: {pt: pedido anual, en: yearly request}
for: person
submit: {label: {pt: Submeter, en: Submit}}
steps:
  - title: {pt: Dados, en: Data}
    fields:
      - {key: year, label: {pt: Exercício, en: Year}, kind: year, role: exercise, over: true, min: 2000}
one-per: year
decide: {approvals: 1, roles: [decider], reasons: [R1]}
outcome: {kind: made}
`

const questionYAML = `
key: question
title: {pt: Pergunta, en: Question}
name: {pt: pergunta, en: question}
for: visitor
submit: {label: {pt: Enviar, en: Send}}
steps:
  - title: {pt: Pergunta, en: Question}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
decide: {approvals: 2, roles: [decider], reasons: [R2]}
outcome: {kind: made}
`

// several things are asked at once, and each is granted or left out by itself.
const severalYAML = `
key: several
title: {pt: Vários, en: Several}
name: {pt: pedido, en: request}
for: visitor
submit: {label: {pt: Enviar, en: Send}}
steps:
  - title: {pt: Pedido, en: Request}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: mail, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - key: things
        label: {pt: Coisas, en: Things}
        kind: choices
        min-chosen: 1
        options: [{key: uma, label: {pt: Primeira coisa, en: First thing}}, {key: duas, label: {pt: Segunda coisa, en: Second thing}}, {key: tres, label: {pt: Terceira coisa, en: Third thing}}]
      - {key: basis, label: {pt: Prova da segunda, en: Proof of the second}, kind: file, accepts: [pdf], max-mb: 1, files: 2, when: {field: things, in: [duas]}}
decide: {approvals: 2, roles: [decider], reasons: [R1, R2], parts: things}
outcome: {kind: made}
`
