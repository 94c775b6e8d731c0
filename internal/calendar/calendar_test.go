package calendar_test

import (
	"testing"
	"time"

	"chancela/internal/calendar"
	"chancela/internal/i18n"
)

func day(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s+" 15:00", i18n.Lisbon())
	if err != nil {
		panic(err)
	}
	return t
}

func TestEasterOfKnownYears(t *testing.T) {
	for year, want := range map[int]string{2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05", 2027: "2027-03-28", 2038: "2038-04-25"} {
		if got := calendar.Easter(year).Format(time.DateOnly); got != want {
			t.Errorf("%d: %s, want %s", year, got, want)
		}
	}
}

func TestATermSkipsWeekendsAndHolidays(t *testing.T) {
	lisbon := calendar.Days{Municipal: []string{"06-13"}}
	for _, c := range []struct {
		from string
		n    int
		want string
	}{
		{"2026-11-20", 1, "2026-11-23"},  // Friday to Monday
		{"2026-04-02", 1, "2026-04-06"},  // over Good Friday and Easter
		{"2026-06-03", 1, "2026-06-05"},  // over Corpus Christi
		{"2026-06-09", 1, "2026-06-11"},  // over 10 June; the 13th is a Saturday
		{"2025-06-12", 1, "2025-06-16"},  // over Lisbon's own holiday, a Friday
		{"2026-11-20", 10, "2026-12-07"}, // over 1 December; the 8th is not reached
	} {
		got := lisbon.Add(day(c.from), c.n).In(i18n.Lisbon())
		if got.Format(time.DateOnly) != c.want || got.Format("15:04:05") != "23:59:59" {
			t.Errorf("%s + %d: %s, want %s", c.from, c.n, got, c.want)
		}
		if n := lisbon.Between(day(c.from), got); n != c.n {
			t.Errorf("%s to %s: %d, want %d", c.from, c.want, n, c.n)
		}
	}
}

func TestATermBegunJustBeforeMidnightCountsInLisbon(t *testing.T) {
	// 23:30 UTC in summer is 00:30 of the next day in Lisbon.
	from := time.Date(2026, 7, 1, 23, 30, 0, 0, time.UTC)
	if got := (calendar.Days{}).Add(from, 1).In(i18n.Lisbon()).Format(time.DateOnly); got != "2026-07-03" {
		t.Error(got)
	}
}

func TestTheHolidaysOfAYear(t *testing.T) {
	// Código do Trabalho, artigo 234.º: thirteen, of which some fall on weekends.
	want := map[string]bool{
		"2026-01-01": true, "2026-04-03": true, "2026-04-05": true, "2026-04-25": true, "2026-05-01": true, "2026-06-04": true, "2026-06-10": true,
		"2026-08-15": true, "2026-10-05": true, "2026-11-01": true, "2026-12-01": true, "2026-12-08": true, "2026-12-25": true,
	}
	for d := day("2026-01-01"); d.Year() == 2026; d = d.AddDate(0, 0, 1) {
		weekend := d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
		name := d.Format(time.DateOnly)
		if got := (calendar.Days{}).Working(d); got != (!weekend && !want[name]) {
			t.Errorf("%s: working %v", name, got)
		}
	}
}

func TestBetweenCountsWhatAddAdds(t *testing.T) {
	lisbon := calendar.Days{Municipal: []string{"06-13"}}
	for d := day("2026-01-01"); d.Year() < 2028; d = d.AddDate(0, 0, 1) {
		for _, n := range []int{0, 1, 9, 10, 60} {
			end := lisbon.Add(d, n)
			if got := lisbon.Between(d, end); got != n {
				t.Fatalf("%s + %d is %s, %d days away", d, n, end, got)
			}
			if n > 0 && !lisbon.Working(end) {
				t.Fatalf("%s + %d ends on %s, which is no working day", d, n, end)
			}
			if got := lisbon.Between(end, d); got != -n {
				t.Fatalf("back from %s: %d, want %d", end, got, -n)
			}
		}
	}
}
