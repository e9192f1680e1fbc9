package store

import "context"

// DownTo takes the schema back to a version, as nothing but a test does.
func (s *Store) DownTo(ctx context.Context, version int64) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	_, err = provider.DownTo(ctx, version)
	return err
}
