package portal

import (
	"strconv"
	"time"

	"chancela/internal/i18n"
)

// Tour is the script by which the program shows a portal's main job: people, what they answer and bring, and in
// which order things happen. It is the portal's data; the player knows only the moves. What depends on the day is
// written with {placeholders}, so that the same script holds next year; [Tour.On] fills them.
type Tour struct {
	At     Pos                   `yaml:"-"`
	People map[string]TourPerson `yaml:"people"`
	Acts   []TourAct             `yaml:"acts"`
}

// TourPerson is somebody of the script. All are invented.
type TourPerson struct {
	Name     string   `yaml:"name"`
	Email    string   `yaml:"email"`
	Password string   `yaml:"password"`
	Roles    []string `yaml:"roles"` // an officer's; none for an applicant
}

// TourAct is one act of the script.
type TourAct struct {
	At Pos `yaml:"-"`
	// Do is the move: file, prove, approve, enter, identity, download, accept, revoke, verify, openssl, pdf, token.
	Do        string              `yaml:"do"`
	Says      Text                `yaml:"says"` // the line that the player prints
	As        string              `yaml:"as"`   // who of People
	Procedure string              `yaml:"procedure"`
	Answers   map[string][]string `yaml:"answers"`
	// Files are made by the player: field key → kind: pdf, or key-request:ALGORITHM.
	Files map[string]string `yaml:"files"`
	// Expect is what must be seen: the state of verification, for example.
	Expect string `yaml:"expect"`
}

// tourDates are the placeholders of a script as they read on a day.
func tourDates(now time.Time) i18n.Args {
	day := now.In(i18n.Lisbon())
	return i18n.Args{
		"today": day.Format("02/01/2006"), "year": strconv.Itoa(day.Year()), "last-year": strconv.Itoa(day.Year() - 1), "next-year": strconv.Itoa(day.Year() + 1),
	}
}

// On is the script as it reads on a day, in Lisbon: its dates filled in.
func (t Tour) On(now time.Time) Tour {
	dates := tourDates(now)
	filled := make([]TourAct, len(t.Acts))
	for i, act := range t.Acts {
		act.Says.PT, act.Says.EN = i18n.Fill(act.Says.PT, dates), i18n.Fill(act.Says.EN, dates)
		act.Expect = i18n.Fill(act.Expect, dates)
		answers := make(map[string][]string, len(act.Answers))
		for name, values := range act.Answers {
			for _, value := range values {
				answers[name] = append(answers[name], i18n.Fill(value, dates))
			}
		}
		act.Answers = answers
		filled[i] = act
	}
	t.Acts = filled
	return t
}
