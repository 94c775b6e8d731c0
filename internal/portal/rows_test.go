package portal

import (
	"slices"
	"testing"
	"time"

	"chancela/internal/field"
)

func rowsForm() *Procedure {
	return &Procedure{
		Steps: []Step{{Fields: []Field{
			{Key: "people", Kind: Rows, Columns: []Field{
				{Key: "who", Kind: field.Name, Once: "E-ORG-02"},
				{Key: "where", Kind: field.Choice, Options: []Option{{Key: "board"}, {Key: "audit"}}},
			}},
			{Key: "code", Kind: field.Postal, Optional: true},
		}}},
		Checks: []Check{
			{Field: "people", Says: "E-ORG-01", When: Condition{Not: &Condition{Field: "people.where", In: []string{"audit"}}}},
			{Field: "code", Says: "E-CP-03", When: Condition{Field: "code", Region: []string{"acores", "madeira"}}},
		},
	}
}

func problemsOf(answers Answers) []string {
	var keys []string
	for _, one := range rowsForm().Judge(answers, time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)).Problems {
		keys = append(keys, one.Name+" "+one.Key)
	}
	return keys
}

func TestAPersonInTwoRowsIsToldAtTheSecond(t *testing.T) {
	got := problemsOf(Answers{"people.who": {"Ana Exemplo", "Rui Exemplo", "ANA  EXEMPLO"}, "people.where": {"board", "audit", "audit"}})
	if want := []string{"people.who.2 E-ORG-02"}; !slices.Equal(got, want) {
		t.Errorf("%v; expected %v", got, want)
	}
}

func TestAConditionOnAColumnHoldsWhenItHoldsForARow(t *testing.T) {
	got := problemsOf(Answers{"people.who": {"Ana Exemplo"}, "people.where": {"board"}})
	if want := []string{"people E-ORG-01"}; !slices.Equal(got, want) {
		t.Errorf("%v; expected %v", got, want)
	}
	if got := problemsOf(Answers{"people.who": {"Ana Exemplo", "Rui Exemplo"}, "people.where": {"board", "audit"}}); len(got) > 0 {
		t.Errorf("%v; expected none", got)
	}
}

func TestAConditionOnARegionReadsThePostalCode(t *testing.T) {
	for code, want := range map[string]bool{"1900-064": false, "9000-001": true, "9495001": true, "9500-001": true, "9496-001": false, "": false} {
		got := problemsOf(Answers{"people.who": {"Ana Exemplo"}, "people.where": {"audit"}, "code": {code}})
		if slices.Contains(got, "code E-CP-03") != want {
			t.Errorf("%q: %v; expected E-CP-03: %v", code, got, want)
		}
	}
}
