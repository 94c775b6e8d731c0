package publication_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/audit"
	"chancela/internal/ca"
	"chancela/internal/ca/catest"
	"chancela/internal/db"
	"chancela/internal/fault"
	"chancela/internal/i18n"
	"chancela/internal/issuance"
	"chancela/internal/publication"
)

const base = "http://localhost:8080/pki"

var machine = actor.Machine("")

func room(t *testing.T, i *catest.Instance, terms ca.Terms, trust issuance.Trust) *publication.Service {
	t.Helper()
	s, err := publication.New(publication.Config{
		DB: i.DB, CA: i.CA, Trust: trust, Base: base, Pages: "http://localhost:8080/", Terms: terms, Stamps: true, Contact: "operador@exemplo.pt",
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, s *publication.Service) {
	t.Helper()
	if err := s.Publish(t.Context(), machine); err != nil {
		t.Fatal(err)
	}
}

func statement(t *testing.T, s *publication.Service, lang i18n.Lang, number int64) publication.Statement {
	t.Helper()
	one, err := s.Statement(t.Context(), lang, number)
	if err != nil {
		t.Fatal(err)
	}
	return one
}

var terms = ca.Terms{ListLife: 24 * time.Hour, AnswerLife: time.Hour, Approvals: 2}

func TestAStatementIsANewVersionExactlyWhenItSaysSomethingElse(t *testing.T) {
	catest.Each(t, base, func(t *testing.T, i *catest.Instance) {
		s := room(t, i, terms, issuance.Trust{})
		publish(t, s)
		publish(t, s)
		first := statement(t, s, i18n.PT, 0)
		if sum := sha256.Sum256([]byte(first.Text)); first.Number != 1 || first.Hash != hex.EncodeToString(sum[:]) {
			t.Fatalf("version %d, hash %s", first.Number, first.Hash)
		}
		changed := terms
		changed.ListLife, changed.Approvals = 12*time.Hour, 3
		s = room(t, i, changed, issuance.Trust{})
		publish(t, s)
		for lang, want := range map[i18n.Lang][]string{i18n.PT: {"vale 12 horas", "3 pessoas diferentes"}, i18n.EN: {"good for 12 hours", "At least 3 different people"}} {
			next := statement(t, s, lang, 0)
			if next.Number != 2 {
				t.Errorf("%s: version %d", lang, next.Number)
			}
			for _, words := range want {
				if !strings.Contains(next.Text, words) || strings.Contains(first.Text, words) {
					t.Errorf("%s: %q does not come from what is in force", lang, words)
				}
			}
		}
		if again := statement(t, s, i18n.PT, 1); again.Text != first.Text || !again.PublishedAt.Equal(first.PublishedAt) {
			t.Error("the first version is not as it was published")
		}
		if _, err := s.Statement(t.Context(), i18n.PT, 3); !fault.Is(err, fault.NotFound) {
			t.Errorf("version 3: %v", err)
		}
		err := i.DB.Look(t.Context(), func(tx *db.Tx) error {
			deeds, err := audit.Entries(t.Context(), tx, audit.Filter{Verb: "statement.publish"})
			if len(deeds) != 2 {
				t.Errorf("%d deeds", len(deeds))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Publish(t.Context(), catest.Officer("rui")); err == nil {
			t.Error("an officer published")
		}
	})
}

// TestTheOutlineIsRFC3647s counts the sections of RFC 3647 §6 in both languages, and wants words under each.
func TestTheOutlineIsRFC3647s(t *testing.T) {
	i := catest.One(t, base)
	s := room(t, i, terms, issuance.Trust{})
	publish(t, s)
	heading := regexp.MustCompile(`(?m)^### (\d+)\.(\d+)\. .+\n\n(.+)`)
	for _, lang := range i18n.Langs() {
		var got []string
		for _, found := range heading.FindAllStringSubmatch(statement(t, s, lang, 0).Text, -1) {
			got = append(got, found[1]+"."+found[2])
			if strings.HasPrefix(found[3], "#") {
				t.Errorf("%s: nothing under %s.%s", lang, found[1], found[2])
			}
		}
		var want []string
		for chapter, sections := range []int{6, 4, 4, 12, 8, 8, 3, 6, 17} {
			for n := range sections {
				want = append(want, fmt.Sprintf("%d.%d", chapter+1, n+1))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: sections %v", lang, got)
		}
	}
}

// TestTheStatementSaysWhatIsIssued holds it against the profiles, the authorities, and what may be claimed.
func TestTheStatementSaysWhatIsIssued(t *testing.T) {
	i := catest.One(t, base)
	s := room(t, i, terms, issuance.Trust{})
	publish(t, s)
	for _, lang := range i18n.Langs() {
		text := statement(t, s, lang, 0).Text
		for _, p := range s.Profiles() {
			for _, want := range append(slices.Concat(p.Policies, p.Usage, p.Extended), "`"+p.Key+"`") {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %s of %s", lang, want, p.Key)
				}
			}
		}
		for _, a := range i.Authorities() {
			if !strings.Contains(text, a.Fingerprint) || !strings.Contains(text, a.Subject) {
				t.Errorf("%s: %s is not named", lang, a.Name)
			}
		}
		if !strings.Contains(text, issuance.TestMark) || strings.Contains(text, "0.4.0.194112") {
			t.Errorf("%s: it claims what nothing proves", lang)
		}
	}
	if n := len(s.Profiles()); n < 10 {
		t.Errorf("%d profiles", n)
	}
}
