"""Rank: from scores to decisions to treat.

Probability and value of each taxpayer, the risk level that the plan's capacity allows, the treatment that level and risk codes call for,
the list that fits tonight's inspector-days, the random slice with its recorded probabilities, and the reasons in words. What may not enter:
truth of the synthetic country, statements and appeals, credit ratings, bank data, the clock, and anything that acts on a taxpayer.
"""
