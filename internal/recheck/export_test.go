package recheck

import "context"

// Play plays the night of a day to its end, part by part, as the queue does; last says that each try is the last one.
func (s *Service) Play(ctx context.Context, last bool) error {
	for {
		n, _, ok, err := s.Last(ctx)
		if err != nil || !ok || n.Part == Done {
			return err
		}
		if err := s.part(ctx, payload{n.Day, n.Part, n.Place}, last); err != nil {
			return err
		}
	}
}

// Part does one part of a night, as a job that may come late.
func (s *Service) Part(ctx context.Context, n Night) error {
	return s.part(ctx, payload{n.Day, n.Part, n.Place}, true)
}

// BeginNow begins a night at whatever hour.
func (s *Service) BeginNow(ctx context.Context) error { return s.begin(ctx) }
