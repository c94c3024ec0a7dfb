"""What goes on inside a network: its cells over a text, what they follow, its gates, gradients and errors.

    ids ─► trace (every cell at every token) ─► gates · finder (what a cell follows) ─► page
        └► gradients, saliency (torch)

Nothing here draws a token or trains a model of a run; `seqgen.jobs` reads the files and writes the pages.
"""
