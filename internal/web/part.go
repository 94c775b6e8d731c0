package web

import (
	"slices"
	"strings"

	"github.com/a-h/templ"

	"chancela/internal/casefile"
	"chancela/internal/fault"
	"chancela/internal/web/ui"
)

// decidePart does a move that leaves out parts of what is asked.
func (v *visit) decidePart(id casefile.ID, d deed, revision string) error {
	r, err := v.s.Cases.Review(v.r.Context(), v.by, id)
	if err != nil {
		return err
	}
	parts := d.parts(r.Parts())
	if d.move == moveIntendPart {
		return v.s.Cases.IntendRefusalOf(v.r.Context(), v.by, id, revision, parts)
	}
	return v.s.Cases.ApproveInPart(v.r.Context(), v.by, id, revision, parts, d.get("weighing"))
}

// parts are those that were ticked. Before the hearing also those with a reason though their tick was forgotten; after
// it the reasons stand there by themselves, and a tick that was taken away grants the part.
func (d deed) parts(asked []string) []casefile.Part {
	var parts []casefile.Part
	for _, key := range asked {
		part := casefile.Part{Key: key, Code: d.get("codes." + key), Words: d.get("words." + key)}
		forgotten := d.move == moveIntendPart && (part.Code != "" || strings.TrimSpace(part.Words) != "")
		if forgotten || d.get("leave."+key) != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// leavable are the parts that may be left out now: those asked on which the applicant was heard.
func (k *desk) leavable() []string {
	asked := slices.Clone(k.r.Parts())
	if len(asked) < 2 {
		return nil
	}
	return slices.DeleteFunc(asked, func(key string) bool { return !k.r.HeardWhole && !k.heard(key) })
}

func (k *desk) heard(key string) bool {
	return slices.ContainsFunc(k.r.Heard, func(part casefile.Part) bool { return part.Key == key })
}

func (k *desk) intendPart() move {
	return k.move(moveIntendPart, ui.Button{Look: ui.Harmful}, k.parts(moveIntendPart, k.r.Parts()))
}

func (k *desk) approvePart() move {
	fields := []templ.Component{k.parts(moveApprovePart, k.leavable())}
	if k.r.State == casefile.Heard {
		fields = append(fields, k.words(moveApprovePart, "weighing", "web.weighing", k.v.say("web.facts.hint"), 5))
	}
	return k.afterHearing(k.move(moveApprovePart, ui.Button{Look: ui.Harmful}, fields...))
}

// parts lays out what may be left out, each with its tick, its reason and the officer's own words. What the applicant
// was heard on stands there already.
func (k *desk) parts(name string, keys []string) templ.Component {
	rows := make([]templ.Component, len(keys))
	for i, key := range keys {
		part := casefile.Part{Key: key}
		at := slices.IndexFunc(k.r.Heard, func(one casefile.Part) bool { return one.Key == key })
		chosen := at >= 0 && name == moveApprovePart
		if chosen {
			part = k.r.Heard[at]
		}
		if k.d.move == name {
			part.Code, part.Words = k.d.get("codes."+key), k.d.get("words."+key)
			chosen = k.d.get("leave."+key) != ""
		}
		rows[i] = k.part(name, part, chosen)
	}
	return ui.Blocks(rows)
}

func (k *desk) part(name string, part casefile.Part, chosen bool) templ.Component {
	label := k.r.PartName(part.Key, k.v.lang)
	check := ui.Check{Field: ui.Field{Name: name + ".leave." + part.Key, Label: k.v.say("web.part.leave", "part", label)}, Checked: chosen}
	codes := ui.Choice{Field: k.told.field(name+".codes."+part.Key, k.v.say("web.part.reason", "part", label), "")}
	for _, reason := range k.v.portal.Reasons {
		if reason.For == "refuse" && slices.Contains(k.r.Procedure.Decide.Reasons, reason.Code) {
			codes.Options = append(codes.Options, ui.Option{Value: reason.Code, Text: reason.Code + ". " + k.v.text(reason.Text), Selected: reason.Code == part.Code})
		}
	}
	words := ui.Area{Field: k.told.field(name+".words."+part.Key, k.v.say("web.part.facts", "part", label), k.v.say("web.facts.hint")), Value: part.Words, Rows: 4}
	return partView(check, codes, words)
}

// giveUp is the applicant's agreement to what is likely to be left out.
func (s *Server) giveUp(v *visit) error {
	if err := v.readWords(nil); err != nil {
		return err
	}
	id := casefile.ID(v.r.PathValue("id"))
	err := s.Cases.GiveUp(v.r.Context(), v.by, id)
	if e, ok := fault.As(err); ok && len(e.Fields) > 0 {
		return fault.New(fault.Conflict, "case.not-now") // the form without the part does not hold together
	}
	if err != nil {
		return err
	}
	v.redirect(v.caseAt(id))
	return nil
}
