package i18n

import (
	"testing"
	"testing/fstest"
	"time"
)

func TestEveryWordHasBothLanguages(t *testing.T) {
	if _, err := load(files); err != nil {
		t.Fatal(err)
	}
}

func TestLoadRefusesAWordWithoutEnglish(t *testing.T) {
	broken := fstest.MapFS{"words/x.yaml": {Data: []byte("a.b: {pt: olá}")}}
	if _, err := load(broken); err == nil {
		t.Fatal("a word without English was accepted")
	}
}

func TestDatesReadAsPeopleWriteThem(t *testing.T) {
	at := time.Date(2026, 5, 4, 13, 30, 0, 0, time.UTC)
	if got := Moment(PT, at); got != "4 de maio de 2026, às 14h30" {
		t.Errorf("pt: %s", got)
	}
	if got := Moment(EN, at); got != "4 May 2026, 14:30" {
		t.Errorf("en: %s", got)
	}
}

func TestPickPrefersPortuguese(t *testing.T) {
	for header, want := range map[string]Lang{"": PT, "en-GB,pt;q=0.5": EN, "pt-BR,en": PT, "fr,en;q=0.3": EN, "de": PT} {
		if got := Pick(header); got != want {
			t.Errorf("%q: %s", header, got)
		}
	}
}
