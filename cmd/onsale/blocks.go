package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"onsale/audit/archive"
	"onsale/audit/archive/blob"
	journals "onsale/audit/follow"
	"onsale/wal/journal"
)

// openCatalog opens an archive; flag is what the command line calls it.
func openCatalog(ctx context.Context, flag, place string) (*archive.Catalog, error) {
	store, err := openArchive(flag, place)
	if err != nil {
		return nil, err
	}
	return archive.Open(ctx, store)
}

// openBlocks opens a journal by its folder, or an archive by its URL, in front of the first block.
func openBlocks(ctx context.Context, flag, place string) (journals.Source, error) {
	if blob.IsURL(place) {
		catalog, err := openCatalog(ctx, flag, place)
		if err != nil {
			return nil, err
		}
		return catalog.NewReader(), nil
	}
	if _, err := os.Stat(place); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errUsage, flag, err)
	}
	return journals.NewFolder(place), nil
}

// archivedBlocks reads the blocks of an archive for who decodes them on their own. What is damaged
// in the archive is damage of the journal to them.
func archivedBlocks(ctx context.Context, c *archive.Catalog) func(fn func(b *journal.Block) error) error {
	return func(fn func(b *journal.Block) error) error {
		err := c.NewReader().ReadBlocks(ctx, fn)
		if errors.Is(err, archive.ErrDamaged) {
			err = fmt.Errorf("%w: %w", journal.ErrCorrupt, err)
		}
		return err
	}
}
