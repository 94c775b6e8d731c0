package instance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Record is a result with what one needs to judge it.
type Record struct {
	Name    string // of the file below bench/results
	Title   string
	Command string
	Words   string // what was measured and what its limits are
	Figures any    // as one line of JSON
	Table   string // Markdown, for reading
}

// Write prints the figures to out as one line of JSON, and puts the record in the place of the one before.
func (r Record) Write(ctx context.Context, out io.Writer, loadBefore string) error {
	line, err := json.Marshal(r.Figures)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, string(line)); err != nil {
		return err
	}
	text := fmt.Sprintf("# %s\n\nCommand: `%s`. %s\n\n%s\n- Date: %s\n- Commit: %s\n- Machine: %s\n- Load, one minute's mean, before and after: %s, %s (own work included)\n\n`%s`\n",
		r.Title, r.Command, r.Words, r.Table, time.Now().UTC().Format("2006-01-02 15:04 MST"), commit(ctx), machine(), loadBefore, Load(), line)
	return os.WriteFile(filepath.Join("bench", "results", r.Name+".md"), []byte(text), 0o644) //nolint:gosec // a document of the project
}

func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown"
	}
	id := strings.TrimSpace(string(out))
	if changed, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--", "*.go", "go.mod").Output(); err != nil || len(changed) > 0 {
		id += ", and changes not committed"
	}
	return id
}

func machine() string {
	text, _ := os.ReadFile("/proc/cpuinfo") // what cannot be read is left out
	_, rest, _ := strings.Cut(string(text), "model name")
	model, _, _ := strings.Cut(strings.TrimLeft(rest, "\t :"), "\n")
	return strings.TrimSpace(fmt.Sprintf("%d processors, %s", runtime.NumCPU(), model))
}

// Load is the machine's load over the last minute.
func Load() string {
	text, _ := os.ReadFile("/proc/loadavg") // what cannot be read is left out
	load, _, _ := strings.Cut(string(text), " ")
	return load
}
