package credential_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/credential"
	"chancela/internal/fault"
	"chancela/internal/letter"
	"chancela/internal/portal"
)

// letters takes what was sent since the last time.
func (k *kit) letters() []letter.Letter {
	k.post.mu.Lock()
	defer k.post.mu.Unlock()
	sent := k.post.sent
	k.post.sent = nil
	return sent
}

// reminded says what was sent about the end of credentials since the last time, as event, number and days.
func (k *kit) reminded() string {
	k.t.Helper()
	must(k.t, k.Remind(k.t.Context(), actor.Machine("")))
	var told []string
	for _, l := range k.letters() {
		if l.Event == portal.CredentialEnding || l.Event == portal.CredentialLapsed {
			told = append(told, fmt.Sprintf("%s %s %s %s", l.Event, l.Values["credential"], l.Values["days"], l.Values["next-year"]))
		}
	}
	return strings.Join(told, "; ")
}

func TestTheEndIsToldAt60And30And7DaysAndOnceItHasCome(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		n := v.Number
		for _, c := range []struct {
			left time.Duration
			want string
		}{
			{61 * 24 * time.Hour, ""},
			{60*24*time.Hour - time.Minute, "credential.ending " + n + " 60 2026"},
			{59 * 24 * time.Hour, ""}, // once
			{30*24*time.Hour - time.Minute, "credential.ending " + n + " 30 2026"},
			{7*24*time.Hour - time.Minute, "credential.ending " + n + " 7 2026"},
			{time.Hour, ""},
			{-time.Hour, "credential.lapsed " + n + " 0 2026"},
			{-1000 * time.Hour, ""},
		} {
			k.clock.set(v.ValidUntil.Add(-c.left))
			if got := k.reminded(); got != c.want {
				t.Errorf("%s before the end: told %q, want %q", c.left, got, c.want)
			}
		}
	})
}

// A program that was down sends the reminder that is due now, and none of those that it missed.
func TestAReminderThatWasMissedIsNotSentLate(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		k.clock.set(v.ValidUntil.AddDate(0, 0, -5))
		if got, want := k.reminded(), "credential.ending "+v.Number+" 5 2026"; got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestNobodyIsRemindedOfWhatWasRevokedOrHasASuccessor(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		first := k.issued(k.asking("c1"))
		k.clock.set(begin.Add(time.Hour))
		k.issued(k.asking("c2", "about", "2026"))
		revoked := k.issued(k.asking("c3", "taxno", "590000020"))
		must(t, k.Revoke(t.Context(), officer("eva"), revoked.ID, ground))
		k.clock.set(first.ValidUntil.AddDate(0, 0, -5))
		if got := k.reminded(); got != "" {
			t.Errorf("told %q", got)
		}
	})
}

func TestOnlyTheProgramReminds(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		for _, by := range []actor.Actor{actor.Nobody(desk), person("ana"), officer("rui")} {
			if err := k.Remind(t.Context(), by); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", by.Kind, err)
			}
		}
	})
}

func TestARaceOfReplicasRemindsOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		v := k.issued(k.asking("c1"))
		k.clock.set(v.ValidUntil.AddDate(0, 0, -5))
		k.letters()
		done := make(chan error, 4)
		for range cap(done) {
			go func() { done <- k.Remind(t.Context(), actor.Machine("")) }()
		}
		for range cap(done) {
			must(t, <-done)
		}
		if sent := k.letters(); len(sent) != 1 {
			t.Errorf("%d letters", len(sent))
		}
		if a := k.lookup(v.Code, time.Time{}); a.State != credential.Valid {
			t.Errorf("a reminder made it %s", a.State)
		}
	})
}
