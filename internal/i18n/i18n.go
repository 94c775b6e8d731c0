// Package i18n holds the words of the program in European Portuguese and English.
//
// A message lives in words/<room>.yaml under one key with both languages side by side, so that neither can be
// changed without the other in view. Placeholders are {name}. Portals bring their own words (package portal);
// this package has only those that every portal shares. Start reading at [Say].
package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // dates are shown in Lisbon's time on any host

	"go.yaml.in/yaml/v3"
)

// Lang is a language that the program speaks.
type Lang string

// The languages, by their BCP 47 tags. Portuguese is the language of the acts; English is courtesy.
const (
	PT Lang = "pt-PT"
	EN Lang = "en"
)

// Langs lists the languages, the one in force first.
func Langs() []Lang { return []Lang{PT, EN} }

// Text is a text in both languages.
type Text struct {
	PT string `yaml:"pt"`
	EN string `yaml:"en"`
}

// In gives the text in a language; Portuguese where English is missing.
func (t Text) In(lang Lang) string {
	if lang == EN && t.EN != "" {
		return t.EN
	}
	return t.PT
}

// IsZero says whether there is no text at all.
func (t Text) IsZero() bool { return t.PT == "" && t.EN == "" }

// Args are the values of a text's {placeholders}.
type Args = map[string]string

//go:embed words/*.yaml
var files embed.FS

// words loads the dictionaries once; a broken dictionary is a broken build, which a test finds.
var words = sync.OnceValue(func() map[string]Text {
	all, err := load(files)
	if err != nil {
		panic(err)
	}
	return all
})

func load(from fs.FS) (map[string]Text, error) {
	names, err := fs.Glob(from, "words/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]Text{}
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		some := map[string]Text{}
		if err := yaml.Unmarshal(data, &some); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for key, text := range some {
			if _, twice := all[key]; twice {
				return nil, fmt.Errorf("%s: %s stands in another dictionary already", name, key)
			}
			if text.PT == "" || text.EN == "" {
				return nil, fmt.Errorf("%s: %s lacks a language", name, key)
			}
			all[key] = text
		}
	}
	return all, nil
}

// Say gives the message of a key in a language with its placeholders filled.
// A key that no dictionary has is shown in brackets: ugly, so that it is seen.
func Say(lang Lang, key string, args Args) string {
	text, ok := words()[key]
	if !ok {
		return "[" + key + "]"
	}
	return Fill(text.In(lang), args)
}

// Word gives a message's text in both languages, and whether there is one.
func Word(key string) (Text, bool) {
	text, ok := words()[key]
	return text, ok
}

// Keys lists every key of the dictionaries, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(words())) }

// Fill puts values in a text's {placeholders}; one that has no value stays as it is.
func Fill(text string, args Args) string {
	if len(args) == 0 || !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, 2*len(args))
	for name, value := range args {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// Lisbon is the zone in which the law counts days and people read hours.
var Lisbon = sync.OnceValue(func() *time.Location {
	zone, err := time.LoadLocation("Europe/Lisbon")
	if err != nil {
		panic(err)
	}
	return zone
})

var months = map[Lang][]string{
	PT: {"janeiro", "fevereiro", "março", "abril", "maio", "junho", "julho", "agosto", "setembro", "outubro", "novembro", "dezembro"},
	EN: {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// Date writes a day as people read it: «4 de maio de 2026», "4 May 2026".
func Date(lang Lang, t time.Time) string {
	t = t.In(Lisbon())
	month := months[lang][t.Month()-1]
	if lang == EN {
		return fmt.Sprintf("%d %s %d", t.Day(), month, t.Year())
	}
	return fmt.Sprintf("%d de %s de %d", t.Day(), month, t.Year())
}

// Clock writes an hour as people read it: «14h30», "14:30".
func Clock(lang Lang, t time.Time) string {
	t = t.In(Lisbon())
	if lang == EN {
		return t.Format("15:04")
	}
	return t.Format("15h04")
}

// Moment writes day and hour.
func Moment(lang Lang, t time.Time) string {
	if lang == EN {
		return Date(lang, t) + ", " + Clock(lang, t)
	}
	return Date(lang, t) + ", às " + Clock(lang, t)
}

// Pick chooses a language for an Accept-Language header: English only if it is wanted more than Portuguese.
func Pick(accept string) Lang {
	if len(accept) > 256 {
		return PT
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag := strings.ToLower(strings.TrimSpace(strings.SplitN(part, ";", 2)[0]))
		switch {
		case tag == "pt" || strings.HasPrefix(tag, "pt-"):
			return PT
		case tag == "en" || strings.HasPrefix(tag, "en-"):
			return EN
		}
	}
	return PT
}
