package tour

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"chancela/internal/portal"
)

// The moves of an officer, as the forms of a case's page are addressed.
const (
	moveTake     = "/assumir"
	moveApprove  = "/deferir"
	moveIdentity = "/comprovar"
)

// approve has an officer find the case in the queue, take it if nobody has, and approve exactly the revision shown.
func (p *Player) approve(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	address, err := p.inQueue(ctx, w)
	if err != nil {
		return err
	}
	if err := w.open(ctx, address); err != nil {
		return err
	}
	if f, ok := w.page.formEnding(moveTake); ok {
		button, ok := f.button("")
		if !ok {
			return errStuck(w.page, "no button")
		}
		if err := w.send(ctx, f, button); err != nil {
			return err
		}
		if w.page.status != http.StatusOK {
			return errStuck(w.page, "the case cannot be taken")
		}
	}
	return p.press(ctx, w, address, moveApprove, nil)
}

// identity has an officer record how the subject's identity was proven.
func (p *Player) identity(ctx context.Context, _ int, _ portal.TourAct, w *person) error {
	address, err := p.inQueue(ctx, w)
	if err != nil {
		return err
	}
	return p.press(ctx, w, address, moveIdentity, answerAnyhow)
}

// inQueue finds the case at hand in the officer's queue. After a press whose answer was lost it may have left it.
func (p *Player) inQueue(ctx context.Context, w *person) (string, error) {
	if p.caseID == "" {
		return "", errors.New("no case was filed before")
	}
	place := p.path("tecnico", "processos", p.caseID)
	if p.doing.pressed {
		return place, nil
	}
	if err := w.open(ctx, p.path("tecnico")+"/"); err != nil {
		return "", err
	}
	if _, ok := w.page.linkWith(place); !ok {
		return "", errStuck(w.page, "the case is not in the officer's queue")
	}
	return place, nil
}

// answerAnyhow answers what a form asks of an officer or holder, where a script need not say what: the first answer
// of each choice, and a sentence in each box that must not stay empty.
func answerAnyhow(f *form) {
	const words = "Passo da visita guiada: os dados são inventados e o ato é de demonstração."
	var chosen []string
	for i := range f.controls {
		c := &f.controls[i]
		switch c.kind {
		case "radio", "checkbox":
			if !slices.Contains(chosen, c.name) && !f.anyOn(c.name) {
				c.on = true
			}
			chosen = append(chosen, c.name)
		case "select":
			if j := slices.IndexFunc(c.options, func(o string) bool { return o != "" }); c.value == "" && j >= 0 {
				c.value = c.options[j]
			}
		case "textarea", "text":
			if strings.TrimSpace(c.value) == "" && !c.spare {
				c.value = words
			}
		}
	}
}

// anyOn says whether one of the radio buttons or boxes of a name is chosen.
func (f *form) anyOn(name string) bool {
	return slices.ContainsFunc(f.controls, func(c control) bool { return c.name == name && c.on })
}
