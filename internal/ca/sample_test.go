package ca_test

import (
	"testing"
	"time"

	"chancela/internal/actor"
	"chancela/internal/ca"
	"chancela/internal/db"
	"chancela/internal/decision"
	"chancela/internal/fault"
	"chancela/internal/issuance"
)

// show lists what samples show now, by profile and state.
func (i *instance) show(t *testing.T) map[string]ca.Sample {
	t.Helper()
	all, err := i.Samples(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]ca.Sample{}
	for _, one := range all {
		shown[one.Profile+"-"+string(one.State)] = one
	}
	return shown
}

func (i *instance) makeSamples(t *testing.T) {
	t.Helper()
	if err := i.MakeSamples(t.Context(), machine, "Ensaio."); err != nil {
		t.Fatal(err)
	}
}

func TestEveryProfileHasItsSamples(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		i.makeSamples(t)
		i.clock.pass(6 * time.Minute)
		i.makeSamples(t)
		shown := i.show(t)
		n := 0
		for _, p := range issuance.Profiles() {
			if !p.HasSamples() {
				continue
			}
			n++
			for state, want := range map[ca.SampleState]issuance.Standing{
				ca.SampleValid: issuance.Good, ca.SampleRevoked: issuance.Revoked, ca.SampleExpired: issuance.Good,
			} {
				s, ok := shown[p.Key+"-"+string(state)]
				if !ok {
					t.Errorf("no %s sample of %s", state, p.Key)
					continue
				}
				if standing, _, err := i.Standing(t.Context(), s.Issuer, s.Serial); err != nil || standing != want {
					t.Errorf("%s-%s stands %s: %v", p.Key, state, standing, err)
				}
			}
		}
		if n < 7 || len(shown) != 3*n {
			t.Errorf("%d profiles, %d samples", n, len(shown))
		}
		valid := shown[issuance.Website+"-valid"]
		if again := i.show(t)[issuance.Website+"-valid"]; again.Serial != valid.Serial {
			t.Error("a sample was made twice")
		}
		i.clock.pass(180 * 24 * time.Hour) // of 199 days
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.makeSamples(t)
		shown = i.show(t)
		if next := shown[issuance.Website+"-valid"]; next.Serial == valid.Serial || next.Serial == "" {
			t.Errorf("the valid one has no successor: %s", next.Serial)
		}
	})
}

// TestACeremonyApprovesNothingBesidesOursAndSamples: whoever can write minutes still gets no certificate for anybody.
func TestACeremonyApprovesNothingBesidesOursAndSamples(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		o, der := website(t)
		err := i.db.InTx(t.Context(), func(tx *db.Tx) error {
			return decision.RecordCeremony(t.Context(), tx, machine, "", digestOf(t, o), "Ensaio.")
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = i.Issue(t.Context(), machine, ca.Request{ID: "o1", Order: der, Quorum: 1})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("issued: %v", err)
		}
		if err := i.MakeSamples(t.Context(), officer("ana", actor.Decider), "Ensaio."); err == nil {
			t.Error("an officer made samples")
		}
	})
}

// TestSamplesSurviveACrash kills the room at each step of making them.
func TestSamplesSurviveACrash(t *testing.T) {
	each(t, func(t *testing.T, i *instance) {
		for _, point := range []string{"ca.linted", "ca.intent", "ca.signed", "ca.recorded", "ca.revoked"} {
			if !i.killedAt(point, 2, func() { _ = i.MakeSamples(t.Context(), machine, "Ensaio.") }) {
				t.Logf("%s was not reached", point)
			}
			i.start(t)
		}
		i.makeSamples(t)
		if err := i.Work(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.whole(t)
		i.clock.pass(6 * time.Minute)
		i.makeSamples(t)
		if n := len(i.show(t)); n != 3*sampled() {
			t.Errorf("%d samples", n)
		}
	})
}

func sampled() (n int) {
	for _, p := range issuance.Profiles() {
		if p.HasSamples() {
			n++
		}
	}
	return n
}
