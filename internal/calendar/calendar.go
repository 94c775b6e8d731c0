// Package calendar counts the days that the law counts: working days in Portugal, in Lisbon's time.
//
// It knows the national holidays; a portal adds its municipal one. Start reading at [Days.Add].
package calendar

import (
	"slices"
	"time"

	"chancela/internal/i18n"
)

// Days counts working days, with the municipal holidays (MM-DD) of the body that counts.
type Days struct{ Municipal []string }

// fixed are the national holidays with a fixed date (Código do Trabalho, artigo 234.º, n.º 1).
var fixed = []string{"01-01", "04-25", "05-01", "06-10", "08-15", "10-05", "11-01", "12-01", "12-08", "12-25"}

// Working says whether the day is neither Saturday, Sunday nor holiday.
func (d Days) Working(t time.Time) bool {
	t = t.In(i18n.Lisbon())
	if t.Weekday() == time.Saturday || t.Weekday() == time.Sunday {
		return false
	}
	day := t.Format("01-02")
	return !slices.Contains(fixed, day) && !slices.Contains(d.Municipal, day) && !slices.Contains(movable(t.Year()), day)
}

// Add gives the end of the n-th working day after t: the day of the event is not counted, and a term ends with
// its last day (CPA, artigo 87.º ⚖).
func (d Days) Add(t time.Time, n int) time.Time {
	t = t.In(i18n.Lisbon())
	day := time.Date(t.Year(), t.Month(), t.Day(), 23, 59, 59, 0, i18n.Lisbon())
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if d.Working(day) {
			n--
		}
	}
	return day.UTC()
}

// Between counts the working days after from, up to and with the day of to; negative if to comes first.
func (d Days) Between(from, to time.Time) int {
	if to.Before(from) {
		return -d.Between(to, from)
	}
	from, to = from.In(i18n.Lisbon()), to.In(i18n.Lisbon())
	last := time.Date(to.Year(), to.Month(), to.Day(), 12, 0, 0, 0, i18n.Lisbon())
	n := 0
	for day := time.Date(from.Year(), from.Month(), from.Day(), 12, 0, 0, 0, i18n.Lisbon()).AddDate(0, 0, 1); !day.After(last); day = day.AddDate(0, 0, 1) {
		if d.Working(day) {
			n++
		}
	}
	return n
}

// movable are the holidays that hang on Easter: Good Friday, Easter Sunday, Corpus Christi.
func movable(year int) []string {
	easter := Easter(year)
	return []string{easter.AddDate(0, 0, -2).Format("01-02"), easter.Format("01-02"), easter.AddDate(0, 0, 60).Format("01-02")}
}

// Easter gives Easter Sunday of a Gregorian year (the anonymous computus, as in Meeus, Astronomical Algorithms, ch. 8).
func Easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	month := (h + l - 7*m + 114) / 31
	day := (h+l-7*m+114)%31 + 1
	return time.Date(year, time.Month(month), day, 12, 0, 0, 0, i18n.Lisbon())
}
