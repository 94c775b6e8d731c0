package certificate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/fault"
	"chancela/internal/portal"
)

// reminded says what is told about the end of certificates when the program looks at a moment.
func (k *kit) reminded(at time.Time) string {
	k.t.Helper()
	k.clock.pass(at.Sub(k.clock.now()))
	k.post.mu.Lock()
	k.post.sent = nil
	k.post.mu.Unlock()
	must(k.t, k.Remind(k.t.Context(), actor.Machine("")))
	k.post.mu.Lock()
	defer k.post.mu.Unlock()
	var told []string
	for _, l := range k.post.sent {
		if l.Event == portal.CertificateEnding || l.Event == portal.CertificateExpired {
			told = append(told, fmt.Sprintf("%s %s", l.Event, l.Values["days"]))
		}
	}
	return strings.Join(told, "; ")
}

func TestTheEndIsToldAt60And30And7DaysAndOnceItHasCome(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		for _, c := range []struct {
			left time.Duration
			want string
		}{
			{61 * 24 * time.Hour, ""}, {60*24*time.Hour - time.Minute, "certificate.ending 60"}, {59 * 24 * time.Hour, ""}, // once
			{5 * 24 * time.Hour, "certificate.ending 5"}, // the one at 30 days was missed, and is not sent late
			{time.Hour, ""}, {-time.Hour, "certificate.expired 0"}, {-1000 * time.Hour, ""},
		} {
			if got := k.reminded(v.NotAfter.Add(-c.left)); got != c.want {
				t.Errorf("%s before the end: told %q, want %q", c.left, got, c.want)
			}
		}
	})
}

func TestNobodyIsRemindedOfWhatWasRevokedOrDeclined(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued("c1")
		must(t, k.Revoke(t.Context(), holder("ana"), v.ID, 1, time.Time{}))
		declined := k.issued("c2")
		must(t, k.Decline(t.Context(), holder("ana"), declined.ID))
		for _, left := range []int{-5, 5} {
			if got := k.reminded(v.NotAfter.AddDate(0, 0, left)); got != "" {
				t.Errorf("told %q", got)
			}
		}
	})
}

func TestOnlyTheProgramReminds(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, by := range []actor.Actor{holder("ana"), officer("rui"), actor.Nobody("")} {
			if err := k.Remind(t.Context(), by); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", by.Kind, err)
			}
		}
	})
}
