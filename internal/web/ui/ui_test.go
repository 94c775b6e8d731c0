package ui

import (
	"strings"
	"testing"

	"chancela/internal/i18n"
)

func TestPageRendersInBothLanguages(t *testing.T) {
	for _, lang := range i18n.Langs() {
		html, err := Render(t.Context(), lang, Page(Frame{Title: "Título", Brand: Brand{Home: "/"}}))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(html), `<html lang="`+string(lang)+`">`) {
			t.Errorf("%s: the page does not say its language", lang)
		}
	}
}
