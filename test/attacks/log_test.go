package attacks_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"
)

// logHoldsNoSecret reads the whole log of a world: one event is one line of JSON, and none of the secrets, names,
// addresses, numbers and codes that were in play stands in it (A06, C16, C25).
func (w *world) logHoldsNoSecret(t *testing.T) {
	log := w.log.all()
	scan := bufio.NewScanner(strings.NewReader(log))
	scan.Buffer(nil, 1<<20)
	n := 0
	for scan.Scan() {
		n++
		var event struct {
			Time, Level, Msg string
		}
		if err := json.Unmarshal(scan.Bytes(), &event); err != nil || event.Time == "" || event.Level == "" || event.Msg == "" {
			t.Errorf("C16: not one event: %q (%v)", scan.Text(), err)
		}
		if event.Level == "ERROR" && !w.expected(event.Msg) {
			t.Errorf("a fault of ours: %s", scan.Text())
		}
	}
	if n == 0 {
		t.Error("nothing was logged: there was nothing to look at")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for secret, what := range w.secrets {
		if strings.Contains(log, secret) {
			t.Errorf("C25: %s stands in the log: %q", what, secret)
		}
	}
}

// expected says whether an event of that name is no fault of ours.
func (w *world) expected(msg string) bool {
	switch {
	case strings.HasPrefix(msg, "leadership.Elector"): // on a machine that is too busy an election is tried again
		return true
	case msg == "audit checkpoints stopped": // the program may look while a test has the record forged
		return w.forged.Load()
	}
	return false
}
