"""Operations of the witness."""
