"""Is a given derivative right? The verdict, and what is wrong with it."""
