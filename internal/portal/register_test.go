package portal

import (
	"slices"
	"testing"
	"time"

	"chancela/internal/field"
)

func officeForm() *Procedure {
	unlisted := Condition{Field: "body" + classFact, In: []string{NotEligible}}
	proc := &Procedure{
		Steps: []Step{{Fields: []Field{
			{Key: "mail", Kind: field.Email, Optional: true},
			{Key: "body", Kind: field.Body, Role: BodyPick, Missing: "E-ENT-01", When: &Condition{Field: "other", Filled: new(bool)}},
			{Key: "other", Kind: field.Tick, Optional: true},
			{Key: "given", Kind: field.Text, Optional: true},
			{Key: "family", Kind: field.Text, Optional: true},
			{Key: "shown", Kind: field.Name, Optional: true},
		}}},
		Checks: []Check{
			{Field: "body", Says: "E-ENT-03", When: unlisted},
			{Field: "mail", Says: "A-EML-03", Warning: true, When: Condition{Field: "mail", Outside: "body"}},
			{Field: "shown", Says: "E-NOM-02", When: Condition{Not: &Condition{Field: "shown", MadeOf: []string{"given", "family"}}}},
		},
	}
	p := &Portal{Register: []Registered{
		{NIPC: "590000012", Name: "A", Class: Eligible, Domains: []string{"a.exemplo.pt"}},
		{NIPC: "590000020", Name: "B", Class: NotEligible},
	}}
	p.Bind(proc)
	return proc
}

func judgedBy(proc *Procedure, answers Answers) (wrong, doubts []string) {
	j := proc.Judge(answers, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC))
	for _, one := range j.Problems {
		wrong = append(wrong, one.Name+" "+one.Key)
	}
	for _, one := range j.Warnings {
		doubts = append(doubts, one.Name+" "+one.Key)
	}
	for key := range j.Clean {
		if !proc.Known(key) {
			wrong = append(wrong, "stored "+key)
		}
	}
	return wrong, doubts
}

func TestOnlyBodiesOfTheRegisterCanBePicked(t *testing.T) {
	named := Answers{"given": {"Ana"}, "family": {"Exemplo"}, "shown": {"Ana Exemplo"}}
	for _, c := range []struct {
		body, other string
		want        []string
	}{
		{"590000012", "", nil},
		{"590000020", "", []string{"body E-ENT-03"}},
		{"590000020", "true", nil}, // says that the body is not listed: what was picked before counts no more
		{"590000039", "", []string{"body E-ENT-01"}},
		{"", "", []string{"body E-ENT-01"}},
	} {
		answers := Answers{"body": {c.body}, "given": named["given"], "family": named["family"], "shown": named["shown"]}
		if c.other != "" {
			answers["other"] = []string{c.other}
		}
		if wrong, _ := judgedBy(officeForm(), answers); !slices.Equal(wrong, c.want) {
			t.Errorf("%v: %v; expected %v", c, wrong, c.want)
		}
	}
}

func TestAnAddressOutsideTheBodysDomainsIsDoubted(t *testing.T) {
	for mail, want := range map[string]int{"ana@a.exemplo.pt": 0, "ana@sub.a.exemplo.pt": 0, "ana@ba.exemplo.pt": 1, "ana@exemplo.pt": 1} {
		answers := Answers{"body": {"590000012"}, "mail": {mail}, "given": {"Ana"}, "family": {"Exemplo"}, "shown": {"Ana Exemplo"}}
		if _, doubts := judgedBy(officeForm(), answers); len(doubts) != want {
			t.Errorf("%s: %v", mail, doubts)
		}
		answers["body"] = []string{"590000020"} // none of its domains is known
		if _, doubts := judgedBy(officeForm(), answers); len(doubts) != 0 {
			t.Errorf("%s at a body without domains: %v", mail, doubts)
		}
	}
}

func TestAShownNameIsMadeOfTheHoldersNames(t *testing.T) {
	for shown, ok := range map[string]bool{"Ana Exemplo": true, "ANA  exemplo": true, "Exemplo Ana": true, "Ana Outra": false} {
		wrong, _ := judgedBy(officeForm(), Answers{"body": {"590000012"}, "given": {"Ana Maria"}, "family": {"Exemplo"}, "shown": {shown}})
		if slices.Contains(wrong, "shown E-NOM-02") == ok {
			t.Errorf("%s: %v", shown, wrong)
		}
	}
}
