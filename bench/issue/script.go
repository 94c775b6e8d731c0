package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"chancela/internal/portal"
	"chancela/internal/tour"
)

//go:embed script
var scripts embed.FS

// roundMark stands in the script where a round's number belongs.
const roundMark = "{round}"

// tokensOf plays the script: people come in, and so many mandates are ordered, approved and given a token each.
func tokensOf(ctx context.Context, child *tour.Child, artefacts string, mandates int) ([]string, error) {
	script, err := readScript(mandates)
	if err != nil {
		return nil, err
	}
	p, err := tour.NewPlayer(child, script, artefacts)
	if err != nil {
		return nil, err
	}
	if err := p.Staff(ctx); err != nil {
		return nil, err
	}
	var tokens []string
	for i, act := range script.Acts {
		if err := p.Act(ctx, i); err != nil {
			return nil, fmt.Errorf("act %d, %s: %w", i+1, act.Do, err)
		}
		if act.Do != "token" {
			continue
		}
		token, err := os.ReadFile(filepath.Join(artefacts, script.Portal, tour.TokenFile))
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, string(token))
	}
	return tokens, nil
}

// readScript reads the one script, its last order with what follows once for every mandate.
func readScript(mandates int) (tour.Script, error) {
	names, err := fs.Glob(scripts, "script/*/tour.yaml")
	if err != nil || len(names) != 1 {
		return tour.Script{}, fmt.Errorf("the script is not there: %w", err)
	}
	data, err := scripts.ReadFile(names[0])
	if err != nil {
		return tour.Script{}, err
	}
	s := tour.Script{Portal: filepath.Base(filepath.Dir(names[0]))}
	if wrong := portal.Decode(names[0], data, &s.Tour); len(wrong) > 0 {
		return s, wrong
	}
	order := 0
	for i, act := range s.Acts {
		if act.Do == "file" {
			order = i
		}
	}
	again := s.Acts[order:]
	s.Acts = s.Acts[:order:order]
	for n := range mandates {
		for _, act := range again {
			s.Acts = append(s.Acts, numbered(act, n+1))
		}
	}
	s.Tour = s.On(time.Now())
	return s, nil
}

func numbered(act portal.TourAct, n int) portal.TourAct {
	answers := make(map[string][]string, len(act.Answers))
	for name, all := range act.Answers {
		for _, one := range all {
			answers[name] = append(answers[name], strings.ReplaceAll(one, roundMark, strconv.Itoa(n)))
		}
	}
	act.Answers = answers
	return act
}
