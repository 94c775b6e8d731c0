package portal_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"chancela/internal/portal"
)

// skeleton is a whole small portal, to be broken.
func skeleton(t *testing.T) fstest.MapFS {
	t.Helper()
	dir, err := portal.Skeleton()
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{}
	err = fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		files[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

const form = `key: form
title: {pt: Um, en: One}
name: {pt: um, en: one}
for: visitor
submit: {label: {pt: Enviar, en: Send}}
steps:
  - title: {pt: Passo, en: Step}
    fields:
      - {key: who, label: {pt: Nome, en: Name}, kind: name, role: applicant-name}
      - {key: where, label: {pt: Endereço, en: Address}, kind: email, role: address}
      - {key: sort, label: {pt: Tipo, en: Sort}, kind: choice, options: [{key: a, label: {pt: A, en: A}}, {key: b, label: {pt: B, en: B}}]}
      - {key: day, label: {pt: Dia, en: Day}, kind: date, optional: true}
      - {key: paper, label: {pt: Papel, en: Paper}, kind: file, accepts: [pdf], max-mb: 1, files: 1, optional: true}
      - {key: rows, label: {pt: Linhas, en: Rows}, kind: rows, optional: true, columns: [{key: one, label: {pt: Um, en: One}, kind: text}]}
checks:
  - {field: day, says: E-GER-01, when: {field: sort, in: [b]}}
decide: {approvals: 1, roles: [decider]}
outcome: {kind: record}
`

func TestEveryMistakeNamesItsFileItsLineAndWhatWasExpected(t *testing.T) {
	const file = "procedures/form.yaml"
	for _, c := range []struct{ name, file, old, new, want string }{
		{"a key misspelt", file, "submit:", "sumbit:", `form.yaml:5: "sumbit" is not known here; did you mean "submit"?`},
		{"a key of nobody's", file, "for: visitor", "for: visitor\nzzzzzzzzz: 1", `form.yaml:5: "zzzzzzzzz" is not known here; expected one of: `},
		{"a key twice", file, "for: visitor", "for: visitor\nfor: person", `form.yaml:5: "for" stands twice`},
		{"not YAML", file, "for: visitor", "for: [visitor", `form.yaml:`},
		{"a tab", file, "for: visitor", "\tfor: visitor", `form.yaml:4: not readable as YAML`},
		{"two documents", file, "outcome: {kind: record}\n", "outcome: {kind: record}\n---\nkey: other\n", `form.yaml:18: expected one document`},
		{"an alias", file, "for: visitor", "for: &a visitor\npage: *a", `form.yaml:5: aliases are not read`},
		{"a list for a text", file, "for: visitor", "for: [visitor, person]", `form.yaml:4: expected one value`},
		{"a text for a list", file, "steps:", "mails: 3\nsteps:", `form.yaml:6: expected keys and values`},
		{"a word for a number", file, "approvals: 1", "approvals: one", `form.yaml:17: expected a whole number, not "one"`},
		{"a word for yes or no", file, "optional: true}\n      - {key: paper", "optional: perhaps}\n      - {key: paper", `form.yaml:12: expected true or false`},
		{"one language", file, "title: {pt: Um, en: One}", "title: {pt: Um}", `form.yaml:2: expected the text in both languages, pt and en`},
		{"a procedure without a key", file, "key: form", "key: \"\"", `form.yaml:1: key: ""; expected lower-case letters`},
		{"a key in capitals", file, "key: who", "key: Who", `form.yaml:9: key: "Who"; expected lower-case letters`},
		{"for nobody", file, "for: visitor", "for: anybody", `form.yaml:4: for: "anybody"; expected visitor or person`},
		{"no steps", file, "steps:", "after:", `form.yaml:`},
		{"a field twice", file, "key: where", "key: who", `form.yaml:10: field "who" stands twice`},
		{"a kind of nobody's", file, "kind: name", "kind: nom", `form.yaml:9: field who: kind "nom"; expected one of `},
		{"a role of nobody's", file, "role: address", "role: adress", `form.yaml:10: field where: role "adress"; expected one of `},
		{"no address", file, ", role: address", "", `form.yaml:1: expected a field with role address`},
		{"a choice of nothing", file, ", options: [{key: a, label: {pt: A, en: A}}, {key: b, label: {pt: B, en: B}}]", "", `form.yaml:11: field sort: options belong to the kinds choice and choices`},
		{"an option twice", file, "{key: b, label", "{key: a, label", `form.yaml:11: option "a"; expected a key of its own`},
		{"a default that is no option", file, "kind: choice,", "kind: choice, default: c,", `form.yaml:11: field sort: default "c" is none of its options`},
		{"locked and empty", file, "kind: date,", "kind: date, locked: true,", `form.yaml:12: field day: locked, and nothing fills it; expected from or default`},
		{"from nowhere", file, "kind: date,", "kind: date, from: heaven,", `form.yaml:12: field day: from "heaven"; expected one of `},
		{"a file without a size", file, ", max-mb: 1", "", `form.yaml:13: field paper: a file needs accepts, max-mb and files`},
		{"a kind of file", file, "accepts: [pdf]", "accepts: [docx]", `form.yaml:13: field paper: accepts "docx"; expected pdf, png or jpeg`},
		{"rows without columns", file, ", columns: [{key: one, label: {pt: Um, en: One}, kind: text}]", "", `form.yaml:14: field rows: columns belong to the kind rows`},
		{"a condition on a column", file, "kind: text}", "kind: text, when: {field: sort, in: [a]}}", `form.yaml:14: column one: when and required belong to the whole question`},
		{"a condition on nothing", file, "when: {field: sort, in: [b]}", "when: {}", `form.yaml:16: a condition asks one thing`},
		{"a condition on two things", file, "when: {field: sort, in: [b]}", "when: {field: sort, in: [b], not: {field: day, filled: true}}", `form.yaml:16: a condition asks one thing`},
		{"a condition without a test", file, "when: {field: sort, in: [b]}", "when: {field: sort}", `form.yaml:16: the condition on "sort" asks nothing; expected one of `},
		{"a test without a field", file, "when: {field: sort, in: [b]}", "when: {not: {field: day, filled: true}, less: 3}", `form.yaml:16: a test stands without the field`},
		{"a condition on no field", file, "when: {field: sort, in: [b]}", "when: {field: sorts, filled: true}", `form.yaml:16: the condition asks about "sorts", which is not a field of this form`},
		{"a condition on no option", file, "in: [b]", "in: [c]", `form.yaml:16: in: "c" is no option of "sort"; expected one of a, b`},
		{"a region of nobody's", file, "in: [b]", "region: [lua]", `form.yaml:16: region: "lua"; expected one of `},
		{"a day of no year", file, "when: {field: sort, in: [b]}", "when: {field: day, after-day: 02-31}", `form.yaml:16: after-day: "02-31"; expected month and day`},
		{"required and mandatory", file, "kind: choice,", "kind: choice, required: {field: day, filled: true},", `form.yaml:11: field sort: required says when an optional field is mandatory`},
		{"a check of no field", file, "{field: day, says", "{field: days, says", `form.yaml:16: field: "days" is not one of this form`},
		{"a message without words", file, "says: E-GER-01", "says: E-NIL-99", `form.yaml:16: message "E-NIL-99" has no words`},
		{"one per nothing", file, "decide:", "one-per: year\ndecide:", `form.yaml:17: one-per: "year" is not a field of this form`},
		{"an answer asked later", file, "decide:", "ask-later: [{key: later, label: {pt: L, en: L}, kind: text}]\ndecide:", `form.yaml:17: ask-later: field later has the kind "text"; expected file`},
		{"no approval", file, "approvals: 1", "approvals: 10", `form.yaml:17: approvals: 10; expected 1 to 9`},
		{"a role in nobody's office", file, "[decider]", "[king]", `form.yaml:17: roles: "king"; expected one of `},
		{"a reason of nobody's", file, "[decider]}", "[decider], reasons: [X1]}", `form.yaml:17: reasons: "X1" is not among the portal's reasons`},
		{"a case that holds nothing", "portal.yaml", "rules:\n", "rules:\n  case-mb: 0\n", `rules.case-mb is 0; expected 1 to 1000`},
		{"a document larger than a case", file, "max-mb: 1,", "max-mb: 41,", `form.yaml:13: field paper: max-mb: 41; expected no more than rules.case-mb, which is 40`},
		{"a reviewer apart from nobody", file, "[decider]}", "[decider], reviewer-apart: true}", `form.yaml:17: reviewer-apart: expected approvals of 2 or more`},
		{"parts of no field", file, "[decider]}", "[decider], parts: days}", `form.yaml:17: parts: "days"; expected a field of the kind choices`},
		{"parts of one choice", file, "[decider]}", "[decider], parts: sort}", `form.yaml:17: parts: "sort"; expected a field of the kind choices`},
		{"parts of which nobody is told", file, "[decider]}", "[decider], parts: sort}", `form.yaml:17: parts: expected a mail on case.approved-in-part`},
		{"an outcome of nobody's", file, "{kind: record}", "{kind: miracle}", `form.yaml:18: outcome.kind: "miracle"; expected one of account, certificate, credential, mandate, record`},
		{"a mail of nothing", file, "decide:", "mails:\n  case.nothing: A01\ndecide:", `form.yaml:18: mails: "case.nothing"; expected an event: `},
		{"a mail that is not there", file, "decide:", "mails:\n  case.proven: Z9\ndecide:", `form.yaml:18: mails: case.proven names "Z9", which mails.yaml lacks`},
		{"a page that is not there", file, "decide:", "page: nowhere\ndecide:", `form.yaml:17: page: "nowhere" has no pages/nowhere.pt.md`},
		{"a minuta that is not there", file, "files: 1,", "files: 1, minuta: m1,", `form.yaml:13: field paper: minuta "m1" has no minutas/m1.pt.md`},
		{"a page in one language", "pages/inicio.en.md", "", "\x00gone", `pages/inicio.en.md:1: expected this file`},
		{"a page without a title", "pages/inicio.pt.md", "# ", "", `pages/inicio.pt.md:1: expected the first line to be the page's title`},
		{"no mails", "mails.yaml", "", "\x00gone", `mails.yaml:1: expected this file`},
		{"no portal", "portal.yaml", "", "\x00gone", `portal.yaml:1: expected this file`},
		{"a mail on nothing", "mails.yaml", "on: case.follow", "on: case.folow", `mails.yaml:12: on: "case.folow"; expected an event: `},
		{"a mail that nobody writes", "mails.yaml", "on: case.follow", "on: case.answered", `expected a mail on case.follow`},
		{"a hole that nobody fills", "mails.yaml", "{days} dias", "{dias} dias", `nothing fills {dias}; expected one of `},
		{"a link in a subject", "mails.yaml", "Confirmação do início de sessão", "{code}", `nothing fills {code}`},
		{"a register without its header", "register.csv", "", "nipc,name\n", `register.csv:1: `},
		{"a body with a wrong number", "register.csv", "", "nipc,name,acronym,kind,class,domains\n501192295,A,,,eligible,\n", `register.csv:2: 501192295 is not a valid number: its check digit does not match`},
		{"a body twice", "register.csv", "", "nipc,name,acronym,kind,class,domains\n590000012,A,,,eligible,\n590000012,B,,,eligible,\n", `register.csv:3: 590000012 stands twice`},
		{"a class of nobody's", "register.csv", "", "nipc,name,acronym,kind,class,domains\n590000012,A,,,perhaps,\n", `register.csv:2: class "perhaps"; expected eligible, conditional or not`},
		{"a register with a torn line", "register.csv", "", "nipc,name,acronym,kind,class,domains\n590000012,A\n", `register.csv:2: not readable as CSV with six columns`},
		{"a tour by nobody", "tour.yaml", "", "people: {}\nacts:\n  - {do: file, as: ana, procedure: form}\n", `tour.yaml:3: as: "ana"; expected one of `},
		{"a tour of nothing", "tour.yaml", "", "acts:\n  - do: file\n    procedure: nothing\n", `tour.yaml:2: procedure: "nothing"; expected one of `},
		{"a tour that answers what is not asked", "tour.yaml", "", "acts:\n  - do: file\n    procedure: form\n    answers: {nothing: [a]}\n", `tour.yaml:2: answers: procedure form has no field "nothing"`},
		{"a tour on a day of nobody's", "tour.yaml", "", "acts:\n  - do: verify\n    expect: \"{lastyear}\"\n", `tour.yaml:2: nothing fills {lastyear}; expected one of last-year, next-year, today, year`},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := skeleton(t)
			files[file] = &fstest.MapFile{Data: []byte(form)}
			broken(t, files, c.file, c.old, c.new)
			told(t, files, c.want)
		})
	}
}

// broken replaces a text in a file, makes the file where there is nothing to replace, or takes it away.
func broken(t *testing.T, files fstest.MapFS, file, old, text string) {
	t.Helper()
	switch {
	case text == "\x00gone":
		delete(files, file)
	case old == "":
		files[file] = &fstest.MapFile{Data: []byte(text)}
	case !strings.Contains(string(files[file].Data), old):
		t.Fatalf("%s has no %q to break", file, old)
	default:
		files[file] = &fstest.MapFile{Data: []byte(strings.Replace(string(files[file].Data), old, text, 1))}
	}
}

func told(t *testing.T, files fs.FS, want string) {
	t.Helper()
	_, err := portal.Load("broken", files, kinds)
	mistakes, ok := errors.AsType[portal.Mistakes](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, want)
	}
	for _, m := range mistakes {
		if !strings.HasPrefix(m.File, "broken/") || m.Line < 1 || m.What == "" {
			t.Errorf("a mistake says %q", m)
		}
	}
	if !strings.Contains(mistakes.Error(), want) {
		t.Errorf("got\n%v\nwant %s", mistakes, want)
	}
}

func TestAPortalsOwnRulesAreHeldToTheLaw(t *testing.T) {
	line := func(files fstest.MapFS, text string) string {
		before, _, _ := strings.Cut(string(files["portal.yaml"].Data), text)
		return "portal.yaml:" + itoa(strings.Count(before, "\n")+1) + ": "
	}
	for _, c := range []struct{ name, key, value, want string }{
		{"a hearing too short", "hearing-days", "9", "rules.hearing-days is 9; expected at least 10"},
		{"a number without its year", "number", `"{portal}/{seq}"`, "rules.number needs {year}"},
		{"a number that nobody can type", "number", `"Proc. n.º {year}/{seq}"`, "rules.number: "},
		{"a colour that cannot be read", "primary", `"#ffff00"`, "has a contrast of 1.1 with white; expected 4.5 or more"},
		{"a colour that is none", "primary", "blue", `look: "blue"; expected a colour as #034ad8`},
		{"an entry that is not there", "entry", "nothing", `entry: "nothing"; expected a procedure for visitors: `},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := skeleton(t)
			text := string(files["portal.yaml"].Data)
			at := strings.Index(text, c.key+":")
			if at < 0 {
				t.Fatalf("the skeleton has no %s", c.key)
			}
			rest := text[at+len(c.key)+1:]
			end := strings.IndexAny(rest, "\n")
			if comma := strings.IndexAny(rest, ",}"); strings.Contains(text[strings.LastIndexByte(text[:at], '\n')+1:at], "{") && comma >= 0 && comma < end {
				end = comma
			}
			files["portal.yaml"] = &fstest.MapFile{Data: []byte(text[:at] + c.key + ": " + c.value + rest[end:])}
			told(t, files, line(files, c.key+": "+c.value)+"")
			told(t, files, c.want)
		})
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	files := skeleton(t)
	files["procedures/form.yaml"] = &fstest.MapFile{Data: []byte(strings.NewReplacer("kind: name", "kind: nom", "role: address", "role: adress", "[decider]", "[king]").Replace(form))}
	_, err := portal.Load("broken", files, kinds)
	if mistakes, ok := errors.AsType[portal.Mistakes](err); !ok || len(mistakes) < 3 {
		t.Errorf("got %v", err)
	}
}

func TestTheSkeletonAndTheFormOfTheseTestsHaveNoMistakes(t *testing.T) {
	files := skeleton(t)
	files["procedures/form.yaml"] = &fstest.MapFile{Data: []byte(form)}
	p, err := portal.Load("whole", files, kinds)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	again, _ := portal.Load("whole", files, kinds)
	if p.Digest == "" || p.Digest != again.Digest {
		t.Error("the digest is not the same for the same files")
	}
	files["pages/inicio.pt.md"] = &fstest.MapFile{Data: []byte("# Outra\n")}
	if other, _ := portal.Load("whole", files, kinds); other.Digest == p.Digest {
		t.Error("the digest does not say a page")
	}
	proc, _ := p.Procedure("form")
	old, err := portal.ParseProcedure("whole", proc.Version, proc.Source)
	if err != nil || old.Key != proc.Key || len(old.Fields()) != len(proc.Fields()) || old.Decide.Approvals != 1 {
		t.Errorf("an earlier version is read as %+v, %v", old, err)
	}
}

func TestALaterSourceReplacesAPortal(t *testing.T) {
	one, two := fstest.MapFS{}, fstest.MapFS{}
	for name, file := range skeleton(t) {
		one["first/"+name], one["second/"+name] = file, file
		two["second/"+name] = file
	}
	two["second/pages/inicio.pt.md"] = &fstest.MapFile{Data: []byte("# Substituída\n")}
	set, err := portal.LoadAll(kinds, one, two)
	if err != nil {
		t.Fatalf("\n%v", err)
	}
	second, ok := set.Portal("second")
	if page, _ := second.Page("inicio"); !ok || len(set.Portals) != 2 || page.Title.PT != "Substituída" {
		t.Errorf("%d portals, title %q", len(set.Portals), page.Title.PT)
	}
	one["Bad Name/portal.yaml"] = &fstest.MapFile{Data: []byte("title: 3\n")}
	if _, err := portal.LoadAll(kinds, one); err == nil || !strings.Contains(err.Error(), "Bad Name/portal.yaml:1") {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(form))
	f.Add([]byte("a: &x [*x]\n"))
	f.Add([]byte("steps: [{fields: [{columns: [{columns: []}]}]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		var proc portal.Procedure
		for _, m := range portal.Decode("x.yaml", data, &proc) {
			if m.Line < 1 || m.File != "x.yaml" || m.What == "" {
				t.Errorf("a mistake says %q", m)
			}
		}
	})
}
