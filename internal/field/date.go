package field

import (
	"regexp"
	"strconv"
	"time"

	"chancela/internal/i18n"
)

var (
	isoDate  = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})$`)
	likeDate = regexp.MustCompile(`^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})$`)
	year     = regexp.MustCompile(`^[1-9][0-9]{3}$`)
)

// ParseDate reads a day, 04/05/2026 or 2026-05-04, and gives it as 2006-01-02.
func ParseDate(typed string) (string, error) {
	s := bare(typed, "")
	if s == "" {
		return "", refuse("E-GER-01")
	}
	if m := likeDate.FindStringSubmatch(s); m != nil {
		s = m[3] + "-" + twoDigits(m[2]) + "-" + twoDigits(m[1])
	}
	// Year 0000 parses, and means that somebody left a placeholder.
	if _, err := time.Parse(time.DateOnly, s); err != nil || !isoDate.MatchString(s) || s < "1000" {
		return "", refuse("E-DAT-01")
	}
	return s, nil
}

func twoDigits(s string) string {
	if len(s) == 1 {
		return "0" + s
	}
	return s
}

// Today gives the day it is in Lisbon, as 2006-01-02: the zone in which the law counts days.
func Today(now time.Time) string { return now.In(i18n.Lisbon()).Format(time.DateOnly) }

// typedDate writes a stored day as people type it, 04/05/2026; messages use it in both languages.
func typedDate(iso string) string {
	m := isoDate.FindStringSubmatch(iso)
	if m == nil {
		return iso
	}
	return m[3] + "/" + m[2] + "/" + m[1]
}

// date compares days as text: in ISO form the order of letters is the order of time.
func (r Rule) date(typed string, now time.Time) (string, error) {
	s, err := ParseDate(typed)
	if err != nil {
		return "", err
	}
	switch today := Today(now); {
	case r.NotAfterToday && s > today:
		return "", refuse("E-DAT-02", "data", typedDate(s))
	case r.NotBeforeToday && s < today:
		return "", refuse("E-DAT-08", "data", typedDate(s))
	case r.NotBefore != "" && s < r.NotBefore:
		return "", refuse("E-DAT-09", "data", typedDate(r.NotBefore))
	case r.NotAfter != "" && s > r.NotAfter:
		return "", refuse("E-DAT-10", "data", typedDate(r.NotAfter))
	}
	return s, nil
}

func (r Rule) doubtDate(clean string, now time.Time) []Finding {
	if r.FarYears > 0 && clean > now.In(i18n.Lisbon()).AddDate(r.FarYears, 0, 0).Format(time.DateOnly) {
		return []Finding{{Key: first(r.Doubt, "A-DAT-07"), Warning: true}}
	}
	return nil
}

// year reads a year; with Over, one that has ended in Lisbon.
func (r Rule) year(typed string, now time.Time) (string, error) {
	s := bare(typed, "")
	if !year.MatchString(s) {
		return "", refuse("E-ANO-01")
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return "", refuse("E-ANO-01")
	}
	switch this := now.In(i18n.Lisbon()).Year(); {
	case r.Over && n >= this:
		return "", refuse("E-EXE-01", "ano", s)
	case r.NotAfterToday && n > this:
		return "", refuse("E-ANO-02", "ano", s)
	}
	return s, r.bound(int64(n))
}
