package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chancela/internal/actor"
	"chancela/internal/casefile"
	"chancela/internal/certificate"
	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/status"
)

var (
	saidKey   = regexp.MustCompile(`(?:\bsay|\bSay)\((?:ctx, |v\.lang, |i18n\.PT, )?"([^"]+)"( ?\+)?`)
	namedKey  = regexp.MustCompile(`"((?:web|pass|login|fault|form|case|evidence)\.[a-z0-9.-]+)"( ?\+)?`)
	problemAt = regexp.MustCompile(`Key: "([^"]+)"`)
)

// TestEveryWordSaidIsInTheDictionaries reads the sources: a key that no dictionary has would be shown in brackets.
func TestEveryWordSaidIsInTheDictionaries(t *testing.T) {
	files, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_templ.go") || filepath.Ext(file) != ".go" && filepath.Ext(file) != ".templ" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, pattern := range []*regexp.Regexp{saidKey, namedKey, problemAt} {
			for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
				found++
				begins := len(m) > 2 && m[2] != "" || strings.HasSuffix(m[1], ".")
				if !known(m[1], begins) {
					t.Errorf("%s says %q, which no dictionary has", file, m[1])
				}
			}
		}
	}
	if found < 200 {
		t.Errorf("found %d words: the patterns no longer fit", found)
	}
}

func known(key string, begins bool) bool {
	if !begins {
		_, ok := i18n.Word(key)
		return ok
	}
	for _, one := range i18n.Keys() {
		if strings.HasPrefix(one, key) {
			return true
		}
	}
	return false
}

// TestEveryStateHasItsWords tries the keys that are made up of a state's name.
func TestEveryStateHasItsWords(t *testing.T) {
	var keys []string
	add := func(prefix string, names ...string) {
		for _, name := range names {
			keys = append(keys, prefix+name)
		}
	}
	for _, s := range []casefile.State{
		casefile.Draft, casefile.Submitted, casefile.Proven, casefile.InReview, casefile.Waiting, casefile.RefusalIntended, casefile.Heard,
		casefile.Approved, casefile.Refused, casefile.Withdrawn, casefile.Deserted, casefile.Lapsed,
	} {
		add("case.state.", string(s))
		add("web.next.", string(s))
	}
	for _, s := range []certificate.State{certificate.AwaitingIdentity, certificate.Issuing, certificate.Issued, certificate.Accepted, certificate.Declined} {
		add("web.certificate.state.", string(s))
	}
	add("web.certificate.next.", string(certificate.AwaitingIdentity), string(certificate.Issuing))
	for _, s := range []credential.State{credential.Issuing, credential.Valid, credential.Suspended, credential.Revoked, credential.Replaced, credential.Lapsed, credential.NotYet} {
		add("web.credential.state.", string(s))
		add("web.credential.next.", string(s))
	}
	for _, k := range []credential.EventKind{credential.WasIssued, credential.WasSuspended, credential.WasRestored, credential.WasRevoked, credential.WasReplaced} {
		add("web.credential.event.", string(k))
	}
	for _, s := range []status.State{status.Valid, status.Lapsed, status.Suspended, status.Revoked, status.Replaced, status.NotYet} {
		add("web.verify.state.", string(s))
		add("web.verify.sentence.", string(s))
		add("web.verify.credential.", string(s))
		add("web.verify.certificate.", string(s))
	}
	add("web.verify.", "state.not-found", "sentence.not-found")
	for _, k := range []fault.Kind{fault.Invalid, fault.Forbidden, fault.NotFound, fault.Conflict, fault.Expired, fault.Throttled, fault.Unavailable, fault.TooLarge} {
		add("web.error.", string(k))
	}
	for _, k := range []actor.Kind{actor.Visitor, actor.Person, actor.Officer, actor.System} {
		add("web.by.", string(k))
	}
	for _, r := range actor.Roles() {
		add("web.role.", string(r))
		add("account.role.", string(r))
	}
	for _, r := range certificate.Reasons() {
		keys = append(keys, r.Label)
	}
	for _, w := range certificate.Ways() {
		add("web.identity.", string(w))
	}
	for _, move := range []string{"assumir", "devolver", "nota", "impedimento", "elementos", "deferir", "audiencia", "indeferir", "deserto", "comprovar"} {
		add("web.move."+move, "", ".text", ".button")
		add("web.moved.", move)
	}
	for _, move := range []string{"suspender", "levantar", "revogar"} {
		add("web.credential.move."+move, "", ".text")
		add("web.credential.done.", move)
	}
	add("web.certificate.done.", "aceitar", "recusar", "revogar")
	add("web.queue.tab.", "todos", "meus", "por-assumir", "em-apreciacao", "aguarda-elementos", "em-audiencia", "decididos")
	add("web.verdict.", "propose-approve", "propose-refuse", "approve", "intend-refuse", "refuse", "desert", "void", "ceremony")
	add("web.done.", "definida", "saiu")
	add("web.power", "", ".open", ".own", ".own.open")
	for _, key := range keys {
		if !known(key, false) {
			t.Errorf("%q is in no dictionary", key)
		}
	}
}
