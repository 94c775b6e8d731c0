package portal

import (
	"slices"
	"testing"
	"time"

	"chancela/internal/field"
)

// judged is a Monday, a little after midnight in Lisbon and before it in UTC.
var judged = time.Date(2026, 7, 5, 23, 30, 0, 0, time.UTC)

func yes() *bool { v := true; return &v }

func whenForm() *Procedure {
	return &Procedure{
		Steps: []Step{
			{Fields: []Field{
				{Key: "sort", Kind: field.Choice, Options: []Option{{Key: "a"}, {Key: "b"}, {Key: "c", When: &Condition{Field: "extra", In: []string{"true"}}}}},
				{Key: "extra", Kind: field.Tick, Optional: true},
				{Key: "only-b", Kind: field.Text, Min: 2, Max: 20, When: &Condition{Field: "sort", In: []string{"b"}}},
				{Key: "after-b", Kind: field.Text, Min: 2, Max: 20, Optional: true, Required: &Condition{Field: "only-b", Filled: yes()}},
			}},
			{Fields: []Field{
				{Key: "paper", Kind: field.File, Files: 2, Optional: true, Required: &Condition{Field: "sort", In: []string{"b"}}},
				{Key: "rows", Kind: Rows, Optional: true, When: &Condition{Field: "sort", In: []string{"b"}}, Columns: []Field{{Key: "what", Kind: field.Text, Max: 20}}},
				{Key: "last", Kind: field.Text, Min: 2, Max: 20, Optional: true, When: &Condition{Field: "rows.what", Filled: yes()}},
			}},
		},
		Checks: []Check{{Field: "sort", Says: "E-GER-01", When: Condition{Field: "rows.what", In: []string{"no"}}}, {Field: "extra", Says: "A-GER-01", Warning: true, When: Condition{Field: "extra", In: []string{"true"}}}},
	}
}

func TestAFormIsJudgedByWhatItAsks(t *testing.T) {
	for _, c := range []struct {
		name  string
		typed Answers
		wrong []string
		clean []string
	}{
		{"the least", Answers{"sort": {"a"}}, nil, []string{"sort"}},
		{"nothing", Answers{}, []string{"sort"}, nil},
		{"what is not asked is left out", Answers{"sort": {"a"}, "only-b": {"x"}, "rows.what": {"no"}, "last": {"yes"}}, nil, []string{"sort"}},
		{"unknown fields are left out", Answers{"sort": {"a"}, "approved": {"true"}, "rows.else": {"x"}, "": {"x"}}, nil, []string{"sort"}},
		{"what is asked must be answered", Answers{"sort": {"b"}}, []string{"only-b", "paper"}, []string{"sort"}},
		{"required follows an answer", Answers{"sort": {"b"}, "only-b": {"xx"}, "paper": {"1"}}, []string{"after-b"}, []string{"only-b", "paper", "sort"}},
		{"whole", Answers{"sort": {"b"}, "only-b": {"xx"}, "after-b": {"yy"}, "paper": {"1", "2"}}, nil, []string{"after-b", "only-b", "paper", "sort"}},
		{"an option that is not offered", Answers{"sort": {"c"}}, []string{"sort"}, nil},
		{"two answers to one choice", Answers{"sort": {"a", "b"}}, []string{"sort"}, nil},
		{"a check over rows", Answers{"sort": {"b"}, "only-b": {"xx"}, "after-b": {"yy"}, "paper": {"1"}, "rows.what": {"no"}}, []string{"sort"}, []string{"after-b", "only-b", "paper", "rows.what", "sort"}},
		{"rows in which nothing was typed", Answers{"sort": {"b"}, "only-b": {"xx"}, "after-b": {"yy"}, "paper": {"1"}, "rows.what": {"", "  "}, "last": {"x"}}, nil, []string{"after-b", "only-b", "paper", "sort"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := whenForm().Judge(c.typed, judged)
			var wrong, clean []string
			for _, one := range j.Problems {
				wrong = append(wrong, one.Name)
			}
			for key := range j.Clean {
				clean = append(clean, key)
			}
			slices.Sort(clean)
			if !slices.Equal(wrong, c.wrong) || !slices.Equal(clean, c.clean) {
				t.Errorf("problems %v, clean %v; expected %v, %v", wrong, clean, c.wrong, c.clean)
			}
		})
	}
}

func TestAStepIsJudgedWithTheOthersBesideIt(t *testing.T) {
	typed := Answers{"sort": {"b"}, "rows.what": {"no"}}
	if j := whenForm().JudgeStep(1, typed, judged); len(j.Problems) != 1 || j.Problems[0].Name != "paper" {
		t.Errorf("second step: %v", j.Problems)
	}
	if j := whenForm().JudgeStep(0, Answers{"sort": {"a"}, "extra": {"true"}}, judged); len(j.Problems) != 0 || len(j.Warnings) != 1 {
		t.Errorf("first step: %v, %v", j.Problems, j.Warnings)
	}
}

func TestJudgingChangesNothingThatWasTyped(t *testing.T) {
	typed := Answers{"sort": {"a"}, "only-b": {"x"}, "rows.what": {"no"}}
	whenForm().Judge(typed, judged)
	if len(typed) != 3 || typed.One("only-b") != "x" {
		t.Errorf("typed is now %v", typed)
	}
}

func TestConditions(t *testing.T) {
	less := 100
	a := Answers{"n": {"99"}, "many": {"100"}, "odd": {"9a"}, "day": {"2026-07-05"}, "next": {"2026-07-06"}, "later": {"2026-07-07"}, "year": {"2025"}, "end": {"2025-12-31"}, "name": {"São João"}, "same": {"SAO  JOAO"}, "set": {"x", "y"}, "bad": {"05/07/2026"}}
	for name, c := range map[string]struct {
		cond Condition
		want bool
	}{
		"in":                      {Condition{Field: "set", In: []string{"y"}}, true},
		"not in":                  {Condition{Field: "set", In: []string{"z"}}, false},
		"filled":                  {Condition{Field: "set", Filled: yes()}, true},
		"not filled":              {Condition{Field: "none", Filled: yes()}, false},
		"empty":                   {Condition{Field: "none", Filled: new(bool)}, true},
		"before today in Lisbon":  {Condition{Field: "day", Before: "today"}, true},
		"today is not before":     {Condition{Field: "next", Before: "today"}, false},
		"today is not after":      {Condition{Field: "next", After: "today"}, false},
		"after today":             {Condition{Field: "later", After: "today"}, true},
		"after another":           {Condition{Field: "next", After: "day"}, true},
		"not after itself":        {Condition{Field: "day", After: "day"}, false},
		"after what is not there": {Condition{Field: "day", After: "none"}, false},
		"what is not there after": {Condition{Field: "none", After: "day"}, false},
		"not a date":              {Condition{Field: "bad", After: "day"}, false},
		"after a year":            {Condition{Field: "day", After: "end-of:year"}, true},
		"within a year":           {Condition{Field: "end", After: "end-of:year"}, false},
		"older":                   {Condition{Field: "end", OlderThan: 30}, true},
		"younger":                 {Condition{Field: "day", OlderThan: 30}, false},
		"late in its year":        {Condition{Field: "day", AfterDay: "03-31"}, true},
		"early in its year":       {Condition{Field: "day", AfterDay: "07-05"}, false},
		"less":                    {Condition{Field: "n", Less: &less}, true},
		"as much":                 {Condition{Field: "many", Less: &less}, false},
		"no number":               {Condition{Field: "odd", Less: &less}, false},
		"the same":                {Condition{Field: "same", Same: "name"}, true},
		"not the same":            {Condition{Field: "n", Same: "name"}, false},
		"all":                     {Condition{All: []Condition{{Field: "n", Filled: yes()}, {Field: "none", Filled: yes()}}}, false},
		"any":                     {Condition{Any: []Condition{{Field: "n", Filled: yes()}, {Field: "none", Filled: yes()}}}, true},
		"not":                     {Condition{Not: &Condition{Field: "none", Filled: yes()}}, true},
		"two tests at once":       {Condition{Field: "n", Filled: yes(), In: []string{"98"}}, false},
	} {
		if got := c.cond.Holds(a, judged); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !(*Condition)(nil).Holds(nil, judged) {
		t.Error("no condition does not hold")
	}
}

func TestARoleIsAnsweredByTheFirstFieldThatIs(t *testing.T) {
	proc := &Procedure{Steps: []Step{{Fields: []Field{{Key: "picked", Role: BodyNumber}, {Key: "typed", Role: BodyNumber}}}}}
	if got := proc.By(BodyNumber, Answers{"typed": {"590000012"}}); got != "590000012" {
		t.Errorf("got %q", got)
	}
	if got := proc.By(Address, Answers{"typed": {"x"}}); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestAMailIsTheProceduresOwnOrThePortals(t *testing.T) {
	p := &Portal{Mails: Mails{From: "Eu", Opening: Text{PT: "Caro {name},", EN: "Dear {name},"}, Closing: Text{PT: "Fim {x}", EN: "End {x}"}, Mails: map[string]Mail{
		"A": {On: CaseProven, Subject: Text{PT: "Um {number}", EN: "One {number}"}, Text: Text{PT: "corpo", EN: "body"}},
		"B": {Subject: Text{PT: "Dois {number}", EN: "Two {number}"}, Text: Text{PT: "corpo", EN: "body"}},
	}}, Values: map[string]Text{"x": {PT: "dele", EN: "its"}}}
	values := map[string]string{"name": "Ana", "number": "1\r\nBcc: mau@exemplo.pt"}
	l, ok := p.Write(CaseProven, nil, "en", values)
	if !ok || l.ID != "A" || l.Subject != "One 1 Bcc: mau@exemplo.pt" || l.Text != "Dear Ana,\n\nbody\n\nEnd its" {
		t.Errorf("%+v", l)
	}
	own := &Procedure{Mails: map[Event]string{CaseProven: "B"}}
	if l, _ := p.Write(CaseProven, own, "pt-PT", values); l.ID != "B" {
		t.Errorf("%+v", l)
	}
	if _, ok := p.Write(CaseRefused, own, "pt-PT", values); ok {
		t.Error("wrote what it has no words for")
	}
}
