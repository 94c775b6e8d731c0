package ca

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestWhatIsSaidOfARecordThatCannotBeReadIsSaidOnceAndLouderWhenItLasts(t *testing.T) {
	away := errors.New("away")
	begin := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	var o outage
	for _, step := range []struct {
		second int
		err    error
		want   string
	}{
		{0, nil, ""},
		{1, away, "WARN"}, {3, away, ""}, {4, nil, "INFO"}, {5, nil, ""},
		{6, away, "WARN"}, {20, away, ""}, {21, away, "ERROR"}, {60, away, ""},
		{61, nil, "INFO"}, {62, nil, ""}, {63, away, "WARN"},
	} {
		said.Reset()
		o.note(t.Context(), log, step.err, begin.Add(time.Second*time.Duration(step.second)))
		if text := said.String(); step.want == "" && text != "" || !strings.Contains(text, step.want) || strings.Count(text, "level=") > 1 {
			t.Errorf("at %d s: %s, want %q", step.second, text, step.want)
		}
	}
}
