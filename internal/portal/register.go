package portal

import (
	"slices"
	"strings"

	"chancela/internal/field"
)

// Facts that the register says of the body that a field names. They stand beside the answers while a form is
// judged, under "FIELD.class" and "FIELD.domains", so that conditions can ask about them; they are never stored,
// and nobody can type them (see [Procedure.Known]).
const (
	classFact   = ".class"
	domainsFact = ".domains"
)

// Bind lets a procedure's rules ask the portal's register. [Load] does it; whoever reads an earlier version of a
// procedure does it too.
func (p *Portal) Bind(proc *Procedure) {
	proc.register = make(map[string]Registered, len(p.Register))
	for _, body := range p.Register {
		proc.register[body.NIPC] = body
	}
}

// namesBody says whether the answer is the number of a body.
func (f Field) namesBody() bool { return f.Kind == field.Body || f.Role == BodyNumber }

// facts puts beside the answers what the register says of the bodies that they name.
func (p *Procedure) facts(beside Answers) {
	for f := range p.each() {
		if !f.namesBody() {
			continue
		}
		delete(beside, f.Key+classFact)
		delete(beside, f.Key+domainsFact)
		body, ok := p.register[beside.One(f.Key)]
		if !ok {
			continue
		}
		beside[f.Key+classFact] = []string{body.Class}
		if len(body.Domains) > 0 {
			beside[f.Key+domainsFact] = body.Domains
		}
	}
}

// listed says whether the register has the body, where there is a register to ask.
func (p *Procedure) listed(nipc string) bool {
	_, ok := p.register[nipc]
	return ok || len(p.register) == 0
}

// outside finds the first of some addresses or domains that lies under none of a body's domains.
func outside(values, domains []string) (string, bool) {
	for _, value := range values {
		host := strings.TrimPrefix(value[strings.LastIndexByte(value, '@')+1:], "*.")
		if !slices.ContainsFunc(domains, func(d string) bool { return field.Under(host, d) }) {
			return host, true
		}
	}
	return "", false
}

// madeOf says whether every word of a text, in whatever spelling, is one of those of the others.
func madeOf(text string, others []string) bool {
	words := strings.Fields(field.Fold(strings.Join(others, " ")))
	return !slices.ContainsFunc(strings.Fields(field.Fold(text)), func(word string) bool { return !slices.Contains(words, word) })
}
