"""The literature that formulas come from: a key for each work, and its full citation."""

SOURCES: dict[str, str] = {
    "huber1964robust": "P. J. Huber, Robust estimation of a location parameter, "
    "Annals of Mathematical Statistics 35 (1964) 73-101",
    "koenker1978regression": "R. Koenker and G. Bassett, Regression quantiles, "
    "Econometrica 46 (1978) 33-50",
    "bishop2006prml": "C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006",
    "hastie2009esl": "T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical "
    "Learning, 2nd edition, Springer 2009",
    "boyd2004convex": "S. Boyd and L. Vandenberghe, Convex Optimization, "
    "Cambridge University Press 2004",
    "deisenroth2020mml": "M. P. Deisenroth, A. A. Faisal and C. S. Ong, Mathematics for Machine "
    "Learning, Cambridge University Press 2020",
    "goodfellow2016deep": "I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, "
    "MIT Press 2016",
    "nesterov2004lectures": "Y. Nesterov, Introductory Lectures on Convex Optimization, "
    "Kluwer 2004",
    "hendrycks2016gelu": "D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), "
    "arXiv:1606.08415 (2016)",
    "casella2002inference": "G. Casella and R. L. Berger, Statistical Inference, "
    "2nd edition, Duxbury 2002",
    "gautschi1967recurrence": "W. Gautschi, Computational aspects of three-term recurrence "
    "relations, SIAM Review 9 (1967) 24-82",
    "takahasi1974double": "H. Takahasi and M. Mori, Double exponential formulas for numerical "
    "integration, Publications of the RIMS 9 (1974) 721-741",
    "figurnov2018implicit": "M. Figurnov, S. Mohamed and A. Mnih, Implicit reparameterization "
    "gradients, NeurIPS 2018",
    "abramowitz1964handbook": "M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, "
    "National Bureau of Standards 1964",
    "nocedal2006numerical": "J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition, "
    "Springer 2006",
    "griewank2008evaluating": "A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition, "
    "SIAM 2008",
    "saleh2022logcosh": "R. A. Saleh and A. K. M. E. Saleh, Statistical properties of the log-cosh "
    "loss function used in machine learning, arXiv:2208.04564, 2022",
}
