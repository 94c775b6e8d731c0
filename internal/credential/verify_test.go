package credential_test

import (
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/credential"
	"chancela/internal/db"
	"chancela/internal/fault"
)

func TestWhatAStrangerIsToldOverTime(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		at := func(days int) time.Time { return begin.AddDate(0, 0, days) }
		v := k.issued(k.asking("c1"))
		k.clock.set(at(10))
		must(t, k.Suspend(t.Context(), officer("eva"), v.ID, ground))
		k.clock.set(at(20))
		must(t, k.Restore(t.Context(), officer("eva"), v.ID, credential.Ground{Words: words}))
		k.clock.set(at(800))
		for _, c := range []struct {
			name  string
			at    time.Time
			state credential.State
			since time.Time
		}{
			{"before its issue", begin.Add(-time.Second), credential.NotYet, time.Time{}},
			{"at its issue", begin, credential.Valid, time.Time{}},
			{"before the suspension", at(10).Add(-time.Second), credential.Valid, time.Time{}},
			{"suspended", at(15), credential.Suspended, at(10)},
			{"restored", at(20), credential.Valid, time.Time{}},
			{"its last moment", v.ValidUntil, credential.Valid, time.Time{}},
			{"lapsed", v.ValidUntil.Add(time.Microsecond), credential.Lapsed, v.ValidUntil},
			{"now", time.Time{}, credential.Lapsed, v.ValidUntil},
			{"nobody knows what will be", at(9000), credential.Lapsed, v.ValidUntil},
		} {
			a := k.lookup(v.Code, c.at)
			if a.State != c.state || !a.Since.Equal(c.since) {
				t.Errorf("%s: %s since %s, want %s since %s", c.name, a.State, a.Since, c.state, c.since)
			}
			if a.At.After(k.clock.time()) || a.At.IsZero() {
				t.Errorf("%s: answered for %s", c.name, a.At)
			}
		}
	})
}

// D20: the first answer after a revocation says so, and the history stays.
func TestRevocationIsTold(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		k.clock.set(begin.Add(time.Hour))
		must(t, k.Revoke(t.Context(), officer("eva"), v.ID, ground))
		if a := k.lookup(v.Code, time.Time{}); a.State != credential.Revoked || !a.Since.Equal(begin.Add(time.Hour)) {
			t.Errorf("%s since %s", a.State, a.Since)
		}
		if a := k.lookup(v.Code, begin.Add(time.Minute)); a.State != credential.Valid {
			t.Errorf("a minute after its issue it was %s", a.State)
		}
		k.clock.set(v.ValidUntil.AddDate(1, 0, 0))
		if a := k.lookup(v.Code, time.Time{}); a.State != credential.Revoked {
			t.Errorf("a revoked one became %s", a.State)
		}
	})
}

func TestReplacementIsTold(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		first := k.issued(k.asking("c1"))
		k.clock.set(begin.Add(time.Hour))
		second := k.issued(k.asking("c2", "remark", "corrigida"))
		if a := k.lookup(first.Code, time.Time{}); a.State != credential.Replaced || a.ReplacedBy != second.Number {
			t.Errorf("%s by %s", a.State, a.ReplacedBy)
		}
		if a := k.lookup(first.Code, begin.Add(time.Minute)); a.State != credential.Valid || a.ReplacedBy != "" {
			t.Errorf("before, it was %s by %q", a.State, a.ReplacedBy)
		}
	})
}

func TestOnlyWhatIsPublicIsTold(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1", "remark", "segredo"))
		a := k.lookup(v.Code, time.Time{})
		var fields []string
		for _, f := range a.Facts {
			fields = append(fields, f.Field+"="+f.Value.PT)
		}
		if got := strings.Join(fields, ","); got != "called=Cooperativa d’Água {year}, CRL,branches=Cultura; Serviços" {
			t.Errorf("told %s", got)
		}
		if a.Code != v.Code || a.Number != v.Number || a.Issuer.PT != "Entidade de Exemplo" || a.Body != "Cooperativa d’Água {year}, CRL" || a.BodyNIPC != "" || a.Digest != v.Digest || a.Title.EN != "Title" {
			t.Errorf("answer %+v", a)
		}
	})
}

// The body is named only where the definition publishes a line that names it.
func TestTheBodyIsToldOnlyWhereItIsPublic(t *testing.T) {
	for public, want := range map[string]string{"called, taxno": "Cooperativa d’Água {year}, CRL 590000012", "taxno": " 590000012", "branches": " "} {
		t.Run(public, func(t *testing.T) {
			each(t, func(t *testing.T, k *kit) {
				k.p.Procedures[0] = procedure(t, desk, strings.Replace(usual, "public: [called, branches]", "public: ["+public+"]", 1))
				if a := k.lookup(k.issued(k.asking("c1")).Code, time.Time{}); a.Body+" "+a.BodyNIPC != want {
					t.Errorf("told %q %q", a.Body, a.BodyNIPC)
				}
			})
		})
	}
}

func TestAWrongCodeAndAnUnknownOneAreTheSame(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		must(t, k.approve(k.asking("c1"), officer("rui")))
		var waiting string
		must(t, k.d.Look(t.Context(), func(tx *db.Tx) error {
			return tx.Row(t.Context(), `SELECT code FROM credential`).Scan(&waiting)
		}))
		for _, code := range []string{"", "x", "0000-0000-0000-0", waiting, "' OR 1=1", "2026/000001", strings.Repeat("A", 10_000), "\x00"} {
			if a, found, err := k.Lookup(t.Context(), code, time.Time{}); found || err != nil || a.Number != "" {
				t.Errorf("%.20q: %v %v", code, found, err)
			}
		}
		_, err := k.Work(t.Context())
		must(t, err)
		for _, spelling := range []string{strings.ToLower(waiting), strings.ReplaceAll(waiting, "-", ""), " " + strings.ReplaceAll(waiting, "0", "o") + " "} {
			if a := k.lookup(spelling, time.Time{}); a.Code != waiting {
				t.Errorf("%q found %q", spelling, a.Code)
			}
		}
	})
}

func TestAskedByBody(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.issued(k.asking("c1"))
		k.clock.set(begin.Add(time.Hour))
		k.issued(k.asking("c2", "about", "2024"))
		k.issued(k.asking("c3", "taxno", "590000020"))
		must(t, k.approve(k.asking("c4", "about", "2026"), officer("rui"))) // not issued yet
		all, err := k.LookupBody(t.Context(), desk, "590000012", time.Time{})
		must(t, err)
		if len(all) != 2 || all[0].Number != "2026/000002" || all[0].Code != "" || all[0].Digest != "" || all[1].State != credential.Valid {
			t.Errorf("answers %+v", all)
		}
		for _, c := range [][2]string{{"outro", "590000012"}, {"none", "590000012"}, {desk, ""}, {desk, "590000039"}} {
			if all, err := k.LookupBody(t.Context(), c[0], c[1], time.Time{}); len(all) != 0 || err != nil {
				t.Errorf("%v: %d answers, %v", c, len(all), err)
			}
		}
	})
}

func TestWhoMaySee(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		opened, other := actor.Nobody(desk), actor.Nobody(desk)
		opened.Case, other.Case = "c1", "c2"
		elsewhere, foreign := person("ana"), officer("rui")
		elsewhere.Portal, foreign.Portal = "outro", "outro"
		administrator := officer("rui")
		administrator.Roles = []actor.Role{actor.Administrator}
		for name, c := range map[string]struct {
			by   actor.Actor
			kind fault.Kind
		}{
			"who asked for it":                  {person("ana"), ""},
			"who acts for the body":             {person("luis"), ""},
			"an officer":                        {officer("rui"), ""},
			"who opened the case by its link":   {opened, ""},
			"who acted for the body once":       {person("past"), fault.NotFound},
			"somebody else":                     {person("eva"), fault.NotFound},
			"nobody":                            {actor.Nobody(desk), fault.NotFound},
			"who opened another case":           {other, fault.NotFound},
			"the same person in another portal": {elsewhere, fault.NotFound},
			"an officer of another portal":      {foreign, fault.NotFound},
			"an administrator":                  {administrator, fault.Forbidden},
			"the program":                       {actor.Machine(desk), fault.NotFound},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := k.Of(t.Context(), c.by, v.ID)
				_, _, pdf := k.PDF(t.Context(), c.by, v.ID)
				_, found, ofCase := k.OfCase(t.Context(), c.by, "c1")
				for look, err := range map[string]error{"of": err, "pdf": pdf, "case": ofCase} {
					if c.kind == "" && err != nil || c.kind != "" && !fault.Is(err, c.kind) {
						t.Errorf("%s: %v, want %q", look, err, c.kind)
					}
				}
				if found != (c.kind == "") {
					t.Errorf("found is %v", found)
				}
			})
		}
		if _, found, err := k.OfCase(t.Context(), officer("rui"), "c9"); found || err != nil {
			t.Errorf("a case without any: %v %v", found, err)
		}
	})
}

func TestMineAreThosePersonAskedForAndTheirBodies(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		k.issued(k.asking("c1"))
		k.clock.set(begin.Add(time.Hour))
		k.issued(k.asking("c2", "taxno", "590000020"))
		for name, want := range map[string]string{"ana": "c2 c1", "luis": "c1", "past": "", "eva": ""} {
			mine, err := k.Mine(t.Context(), person(name))
			must(t, err)
			var cases []string
			for _, v := range mine {
				cases = append(cases, v.CaseID)
			}
			if got := strings.Join(cases, " "); got != want {
				t.Errorf("%s has %q, want %q", name, got, want)
			}
		}
		for _, by := range []actor.Actor{actor.Nobody(desk), officer("rui"), actor.Machine(desk)} {
			if _, err := k.Mine(t.Context(), by); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", by.Kind, err)
			}
		}
	})
}
