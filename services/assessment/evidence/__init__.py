"""Evidence of collaboration: sourced records, versioned and never overwritten."""
