"""The literature that formulas come from: a key for each work, and its full citation."""

SOURCES: dict[str, str] = {
    "altman1994predictive": "D. G. Altman and J. M. Bland, Diagnostic tests 2: predictive values, "
    "BMJ 309 (1994) 102",
    "huber1964robust": "P. J. Huber, Robust estimation of a location parameter, "
    "Annals of Mathematical Statistics 35 (1964) 73-101",
    "newey1987asymmetric": "W. K. Newey and J. L. Powell, Asymmetric least squares estimation and "
    "testing, Econometrica 55 (1987) 819-847",
    "dabney2018quantile": "W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, Distributional "
    "reinforcement learning with quantile regression, AAAI 2018",
    "vapnik1995nature": "V. N. Vapnik, The Nature of Statistical Learning Theory, Springer 1995",
    "girshick2015fast": "R. Girshick, Fast R-CNN, ICCV 2015",
    "charbonnier1997deterministic": "P. Charbonnier, L. Blanc-Feraud, G. Aubert and M. Barlaud, "
    "Deterministic edge-preserving regularization in computed imaging, IEEE Transactions on Image "
    "Processing 6 (1997) 298-311",
    "koenker1978regression": "R. Koenker and G. Bassett, Regression quantiles, "
    "Econometrica 46 (1978) 33-50",
    "bishop2006prml": "C. M. Bishop, Pattern Recognition and Machine Learning, Springer 2006",
    "hastie2009esl": "T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical "
    "Learning, 2nd edition, Springer 2009",
    "beck2017first": "A. Beck, First-Order Methods in Optimization, SIAM 2017",
    "parikh2014proximal": "N. Parikh and S. Boyd, Proximal algorithms, Foundations and Trends in "
    "Optimization 1 (2014) 127-239",
    "duchi2008efficient": "J. Duchi, S. Shalev-Shwartz, Y. Singer and T. Chandra, Efficient "
    "projections onto the l1-ball for learning in high dimensions, ICML 2008",
    "best1990active": "M. J. Best and N. Chakravarti, Active set algorithms for isotonic "
    "regression; a unifying framework, Mathematical Programming 47 (1990) 425-439",
    "wang2015projection": "W. Wang and C. Lu, Projection onto the capped simplex, "
    "arXiv:1503.01002, 2015",
    "warmuth2008randomized": "M. K. Warmuth and D. Kuzmin, Randomized online PCA algorithms with "
    "regret bounds that are logarithmic in the dimension, Journal of Machine Learning Research 9 "
    "(2008) 2287-2320",
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
    "didonato1992beta": "A. R. DiDonato and A. H. Morris, Algorithm 708: significant digit "
    "computation of the incomplete beta function ratios, ACM Transactions on Mathematical Software "
    "18 (1992) 360-373",
    "temme1979asymptotic": "N. M. Temme, The asymptotic expansion of the incomplete gamma "
    "functions, SIAM Journal on Mathematical Analysis 10 (1979) 757-766",
    "corless1996lambert": "R. M. Corless, G. H. Gonnet, D. E. G. Hare, D. J. Jeffrey and "
    "D. E. Knuth, On the Lambert W function, Advances in Computational Mathematics 5 (1996) "
    "329-359",
    "mardia2000directional": "K. V. Mardia and P. E. Jupp, Directional Statistics, Wiley 2000",
    "owen1956tables": "D. B. Owen, Tables for computing bivariate normal probabilities, Annals of "
    "Mathematical Statistics 27 (1956) 1075-1090",
    "abramowitz1964handbook": "M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, "
    "National Bureau of Standards 1964",
    "nocedal2006numerical": "J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition, "
    "Springer 2006",
    "griewank2008evaluating": "A. Griewank and A. Walther, Evaluating Derivatives, 2nd edition, "
    "SIAM 2008",
    "saleh2022logcosh": "R. A. Saleh and A. K. M. E. Saleh, Statistical properties of the log-cosh "
    "loss function used in machine learning, arXiv:2208.04564, 2022",
    "robbins1951stochastic": "H. Robbins and S. Monro, A stochastic approximation method, "
    "Annals of Mathematical Statistics 22 (1951) 400-407",
    "polyak1964some": "B. T. Polyak, Some methods of speeding up the convergence of iteration "
    "methods, USSR Computational Mathematics and Mathematical Physics 4 (1964) 1-17",
    "nesterov1983method": "Y. Nesterov, A method for solving the convex programming problem with "
    "convergence rate O(1/k^2), Soviet Mathematics Doklady 27 (1983) 372-376",
    "sutskever2013importance": "I. Sutskever, J. Martens, G. Dahl and G. Hinton, On the importance "
    "of initialization and momentum in deep learning, ICML 2013",
    "tieleman2012rmsprop": "T. Tieleman and G. Hinton, Lecture 6.5: rmsprop, COURSERA: Neural "
    "Networks for Machine Learning, 2012",
    "kingma2015adam": "D. P. Kingma and J. Ba, Adam: a method for stochastic optimization, "
    "ICLR 2015",
    "loshchilov2017sgdr": "I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with "
    "warm restarts, ICLR 2017",
    "loshchilov2019decoupled": "I. Loshchilov and F. Hutter, Decoupled weight decay "
    "regularization, ICLR 2019",
    "bottou2018optimization": "L. Bottou, F. E. Curtis and J. Nocedal, Optimization methods for "
    "large-scale machine learning, SIAM Review 60 (2018) 223-311",
    "johnson1994continuous": "N. L. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate "
    "Distributions, volume 1, 2nd edition, Wiley 1994",
    "johnson1995continuous": "N. L. Johnson, S. Kotz and N. Balakrishnan, Continuous Univariate "
    "Distributions, volume 2, 2nd edition, Wiley 1995",
    "johnson2005univariate": "N. L. Johnson, A. W. Kemp and S. Kotz, Univariate Discrete "
    "Distributions, 3rd edition, Wiley 2005",
    "cochran1977sampling": "W. G. Cochran, Sampling Techniques, 3rd edition, Wiley 1977",
    "bartlett2006convexity": "P. L. Bartlett, M. I. Jordan and J. D. McAuliffe, Convexity, "
    "classification, and risk bounds, Journal of the American Statistical Association 101 (2006) "
    "138-156",
    "rennie2005loss": "J. D. M. Rennie and N. Srebro, Loss functions for preference levels: "
    "regression with discrete ordered labels, IJCAI Multidisciplinary Workshop on Advances in "
    "Preference Handling, 2005",
    "zhang2004solving": "T. Zhang, Solving large scale linear prediction problems using stochastic "
    "gradient descent algorithms, ICML 2004",
    "rooyen2015learning": "B. van Rooyen, A. K. Menon and R. C. Williamson, Learning with "
    "symmetric label noise: the importance of being unhinged, NeurIPS 2015",
    "lin2017focal": "T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, Focal loss for dense "
    "object detection, ICCV 2017",
    "leng2022polyloss": "Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng and D. Anguelov, "
    "PolyLoss: a polynomial expansion perspective of classification loss functions, ICLR 2022",
    "crammer2001algorithmic": "K. Crammer and Y. Singer, On the algorithmic implementation of "
    "multiclass kernel-based vector machines, Journal of Machine Learning Research 2 (2001) "
    "265-292",
    "weston1999support": "J. Weston and C. Watkins, Support vector machines for multi-class "
    "pattern recognition, European Symposium on Artificial Neural Networks, 1999",
    "collins2002discriminative": "M. Collins, Discriminative training methods for hidden Markov "
    "models: theory and experiments with perceptron algorithms, EMNLP 2002",
    "martins2016sparsemax": "A. F. T. Martins and R. F. Astudillo, From softmax to sparsemax: a "
    "sparse model of attention and multi-label classification, ICML 2016",
    "szegedy2016rethinking": "C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "
    "Rethinking the Inception architecture for computer vision, CVPR 2016",
    "patrini2017making": "G. Patrini, A. Rozza, A. K. Menon, R. Nock and L. Qu, Making deep neural "
    "networks robust to label noise: a loss correction approach, CVPR 2017",
    "mccullagh1980regression": "P. McCullagh, Regression models for ordinal data, Journal of the "
    "Royal Statistical Society B 42 (1980) 109-142",
    "burges2005learning": "C. Burges, T. Shaked, E. Renshaw, A. Lazier, M. Deeds, N. Hamilton and "
    "G. Hullender, Learning to rank using gradient descent, ICML 2005",
    "herbrich2000large": "R. Herbrich, T. Graepel and K. Obermayer, Large margin rank boundaries "
    "for ordinal regression, Advances in Large Margin Classifiers, MIT Press 2000",
    "xia2008listwise": "F. Xia, T.-Y. Liu, J. Wang, W. Zhang and H. Li, Listwise approach to "
    "learning to rank: theory and algorithm, ICML 2008",
    "burges2006nonsmooth": "C. J. C. Burges, R. Ragno and Q. V. Le, Learning to rank with "
    "nonsmooth cost functions, NeurIPS 2006",
    "hinton2015distilling": "G. Hinton, O. Vinyals and J. Dean, Distilling the knowledge in a "
    "neural network, arXiv:1503.02531 (2015)",
    "crammer2003family": "K. Crammer and Y. Singer, A family of additive online algorithms for "
    "category ranking, Journal of Machine Learning Research 3 (2003) 1025-1058",
    "paszke2019pytorch": "A. Paszke et al., PyTorch: an imperative style, high-performance deep "
    "learning library, NeurIPS 2019",
    "salehi2017tversky": "S. S. M. Salehi, D. Erdogmus and A. Gholipour, Tversky loss function for "
    "image segmentation using 3D fully convolutional deep networks, MLMI 2017",
    "hadsell2006dimensionality": "R. Hadsell, S. Chopra and Y. LeCun, Dimensionality reduction by "
    "learning an invariant mapping, CVPR 2006",
    "schroff2015facenet": "F. Schroff, D. Kalenichenko and J. Philbin, FaceNet: a unified "
    "embedding for face recognition and clustering, CVPR 2015",
    "oord2018representation": "A. van den Oord, Y. Li and O. Vinyals, Representation learning with "
    "contrastive predictive coding, arXiv:1807.03748, 2018",
    "milletari2016vnet": "F. Milletari, N. Navab and S.-A. Ahmadi, V-Net: fully convolutional "
    "neural networks for volumetric medical image segmentation, 3DV 2016",
    "sutton2018reinforcement": "R. S. Sutton and A. G. Barto, Reinforcement Learning: An "
    "Introduction, 2nd edition, MIT Press 2018",
    "williams1991function": "R. J. Williams and J. Peng, Function optimization using connectionist "
    "reinforcement learning algorithms, Connection Science 3 (1991) 241-268",
    "schulman2017proximal": "J. Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, "
    "Proximal policy optimization algorithms, arXiv:1707.06347, 2017",
    "silver2014deterministic": "D. Silver, G. Lever, N. Heess, T. Degris, D. Wierstra and "
    "M. Riedmiller, Deterministic policy gradient algorithms, ICML 2014",
    "hasselt2016deep": "H. van Hasselt, A. Guez and D. Silver, Deep reinforcement learning with "
    "double Q-learning, AAAI 2016",
    "graves2006connectionist": "A. Graves, S. Fernandez, F. Gomez and J. Schmidhuber, "
    "Connectionist temporal classification, ICML 2006",
    "li2021tilted": "T. Li, A. Beirami, M. Sanjabi and V. Smith, Tilted empirical risk "
    "minimization, ICLR 2021",
    "rockafellar2000optimization": "R. T. Rockafellar and S. Uryasev, Optimization of conditional "
    "value-at-risk, Journal of Risk 2 (2000) 21-41",
    "bellemare2017distributional": "M. G. Bellemare, W. Dabney and R. Munos, A distributional "
    "perspective on reinforcement learning, ICML 2017",
    "dabney2018distributional": "W. Dabney, M. Rowland, M. G. Bellemare and R. Munos, "
    "Distributional reinforcement learning with quantile regression, AAAI 2018",
    "barron2019general": "J. T. Barron, A general and adaptive robust loss function, CVPR 2019",
    "geman1987statistical": "S. Geman and D. E. McClure, Statistical methods for tomographic image "
    "reconstruction, Bulletin of the International Statistical Institute 52 (1987) 5-21",
    "holland1977robust": "P. W. Holland and R. E. Welsch, Robust regression using iteratively "
    "reweighted least-squares, Communications in Statistics - Theory and Methods 6 (1977) 813-827",
    "beaton1974fitting": "A. E. Beaton and J. W. Tukey, The fitting of power series, meaning "
    "polynomials, illustrated on band-spectroscopic data, Technometrics 16 (1974) 147-185",
    "hyndman2006measures": "R. J. Hyndman and A. B. Koehler, Another look at measures of forecast "
    "accuracy, International Journal of Forecasting 22 (2006) 679-688",
    "mccullagh1989generalized": "P. McCullagh and J. A. Nelder, Generalized Linear Models, "
    "2nd edition, Chapman and Hall 1989",
    "jorgensen1987exponential": "B. Jorgensen, Exponential dispersion models, Journal of the Royal "
    "Statistical Society B 49 (1987) 127-162",
    "brier1950verification": "G. W. Brier, Verification of forecasts expressed in terms of "
    "probability, Monthly Weather Review 78 (1950) 1-3",
    "gneiting2007strictly": "T. Gneiting and A. E. Raftery, Strictly proper scoring rules, "
    "prediction, and estimation, Journal of the American Statistical Association 102 (2007) "
    "359-378",
    "tobin1958estimation": "J. Tobin, Estimation of relationships for limited dependent variables, "
    "Econometrica 26 (1958) 24-36",
    "lambert1992zero": "D. Lambert, Zero-inflated Poisson regression, with an application to "
    "defects in manufacturing, Technometrics 34 (1992) 1-14",
    "mullahy1986specification": "J. Mullahy, Specification and testing of some modified count data "
    "models, Journal of Econometrics 33 (1986) 341-365",
    "ferro2014fair": "C. A. T. Ferro, Fair scores for ensemble forecasts, Quarterly Journal of the "
    "Royal Meteorological Society 140 (2014) 1917-1923",
    "hilbe2011negative": "J. M. Hilbe, Negative Binomial Regression, 2nd edition, Cambridge "
    "University Press 2011",
    "cao2007listnet": "Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai and H. Li, Learning to rank: from "
    "pairwise approach to listwise approach, ICML 2007",
    "qin2010approximation": "T. Qin, T.-Y. Liu and H. Li, A general approximation framework for "
    "direct optimization of information retrieval measures, Information Retrieval 13 (2010) "
    "375-397",
    "gelman2013bayesian": "A. Gelman, J. B. Carlin, H. S. Stern, D. B. Dunson, A. Vehtari and "
    "D. B. Rubin, Bayesian Data Analysis, 3rd edition, CRC Press 2013",
    "dowson1982frechet": "D. C. Dowson and B. V. Landau, The Frechet distance between multivariate "
    "normal distributions, Journal of Multivariate Analysis 12 (1982) 450-455",
    "bartlett1933theory": "M. S. Bartlett, On the theory of statistical regression, Proceedings of "
    "the Royal Society of Edinburgh 53 (1933) 260-283",
    "minka2000estimating": "T. P. Minka, Estimating a Dirichlet distribution, technical report, "
    "MIT 2000",
    "lange1989robust": "K. L. Lange, R. J. A. Little and J. M. G. Taylor, Robust statistical "
    "modeling using the t distribution, Journal of the American Statistical Association 84 (1989) "
    "881-896",
    "cover2006elements": "T. M. Cover and J. A. Thomas, Elements of Information Theory, "
    "2nd edition, Wiley 2006",
    "ali1966general": "S. M. Ali and S. D. Silvey, A general class of coefficients of divergence "
    "of one distribution from another, Journal of the Royal Statistical Society B 28 (1966) "
    "131-142",
    "lin1991divergence": "J. Lin, Divergence measures based on the Shannon entropy, IEEE "
    "Transactions on Information Theory 37 (1991) 145-151",
    "golub1969calculation": "G. H. Golub and J. H. Welsch, Calculation of Gauss quadrature rules, "
    "Mathematics of Computation 23 (1969) 221-230",
    "piessens1983quadpack": "R. Piessens, E. de Doncker-Kapenga, C. W. Uberhuber and D. K. "
    "Kahaner, QUADPACK: A Subroutine Package for Automatic Integration, Springer 1983",
    "cranley1976randomization": "R. Cranley and T. N. L. Patterson, Randomization of number "
    "theoretic methods for multiple integration, SIAM Journal on Numerical Analysis 13 (1976) "
    "904-914",
    "sloan2002component": "I. H. Sloan and A. V. Reztsov, Component-by-component construction of "
    "good lattice rules, Mathematics of Computation 71 (2002) 263-273",
    "hickernell2002obtaining": "F. J. Hickernell, Obtaining O(N^(-2+eps)) convergence for lattice "
    "quadrature rules, Monte Carlo and Quasi-Monte Carlo Methods 2000, Springer 2002",
    "shevtsova2011absolute": "I. Shevtsova, On the absolute constants in the Berry-Esseen type "
    "inequalities for identically distributed summands, arXiv:1111.6554 (2011)",
    "massart1990tight": "P. Massart, The tight constant in the Dvoretzky-Kiefer-Wolfowitz "
    "inequality, Annals of Probability 18 (1990) 1269-1283",
    "mohamed2020monte": "S. Mohamed, M. Rosca, M. Figurnov and A. Mnih, Monte Carlo gradient "
    "estimation in machine learning, Journal of Machine Learning Research 21 (2020) 132",
    "murphy2022probabilistic": "K. P. Murphy, Probabilistic Machine Learning: An Introduction, "
    "MIT Press 2022",
    "edelman2007internet": "B. Edelman, M. Ostrovsky and M. Schwarz, Internet advertising and the "
    "generalized second-price auction: selling billions of dollars worth of keywords, American "
    "Economic Review 97 (2007) 242-259",
    "vickrey1961counterspeculation": "W. Vickrey, Counterspeculation, auctions, and competitive "
    "sealed tenders, Journal of Finance 16 (1961) 8-37",
    "guo2017calibration": "C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On calibration of "
    "modern neural networks, ICML 2017",
    "murphy1973partition": "A. H. Murphy, A new vector partition of the probability score, Journal "
    "of Applied Meteorology 12 (1973) 595-600",
    "thompson1933likelihood": "W. R. Thompson, On the likelihood that one unknown probability "
    "exceeds another in view of the evidence of two samples, Biometrika 25 (1933) 285-294",
    "mccandlish2018empirical": "S. McCandlish, J. Kaplan, D. Amodei and the OpenAI Dota team, An "
    "empirical model of large-batch training, arXiv:1812.06162 (2018)",
    "cohen2021edge": "J. Cohen, S. Kaur, Y. Li, J. Z. Kolter and A. Talwalkar, Gradient descent on "
    "neural networks typically occurs at the edge of stability, ICLR 2021",
    "lewkowycz2020catapult": "A. Lewkowycz, Y. Bahri, E. Dyer, J. Sohl-Dickstein and G. Gur-Ari, "
    "The large learning rate phase of deep learning: the catapult mechanism, "
    "arXiv:2003.02218 (2020)",
    "golub2013matrix": "G. H. Golub and C. F. Van Loan, Matrix Computations, 4th edition, "
    "Johns Hopkins University Press 2013",
    "lu2020dying": "L. Lu, Y. Shin, Y. Su and G. E. Karniadakis, Dying ReLU and initialization: "
    "theory and numerical examples, Communications in Computational Physics 28 (2020) 1671-1706",
    "lecun2012efficient": "Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, in "
    "Neural Networks: Tricks of the Trade, 2nd edition, Springer 2012",
    "chen2023symbolic": "X. Chen, C. Liang, D. Huang, E. Real, K. Wang, H. Pham, X. Dong, T. "
    "Luong, C.-J. Hsieh, Y. Lu and Q. V. Le, Symbolic discovery of optimization algorithms, "
    "NeurIPS 2023",
}
